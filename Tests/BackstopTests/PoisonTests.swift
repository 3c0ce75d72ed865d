// A commit that fails: its outcome is unknown and is said to be; nothing more is written by that process; what
// was acknowledged before is there, and the same keys can be asked again. The kernel refuses the writes, by a
// limit on the file's size.

import Foundation
import Programmes
import Testing

@Suite struct PoisonTests {
    @Test func aFailedCommitIsUnknownAndPoisonsTheProcess() throws {
        try withScratchLog { log in
            let filler = String(repeating: "x", count: 500)
            let keys = (0..<3_000).map { "k\($0)" }
            let file = try log.file("keys.jsonl", keys.map { #"{"k":"\#($0)","filler":"\#(filler)"}"# })
            let limited = ["/bin/bash", "-c", #"trap "" XFSZ; ulimit -f 500; exec "$@""#, "bash"]
            let arguments = ["append", "fill", "--from", file, "--key-from", "k", "--json"]
            let finished = try log.run(arguments, runner: limited)
            #expect(finished.status == 2, "\(finished)")
            #expect(finished.errors.contains("unknown whether it was written"), "\(finished)")
            #expect(finished.errors.contains("log-poisoned.md"), "\(finished)")

            let answers = try finished.lines.map { try Answer($0) }
            let told = zip(keys, answers).filter { $0.1.outcome == "appended" }
            #expect(!told.isEmpty && told.count < keys.count)
            #expect(answers.dropFirst(told.count).allSatisfy { $0.outcome == "unknown" }, "nothing is written after it")

            let again = try log.run(arguments)
            #expect(again.status == 0, "\(again)")
            for ((key, first), line) in zip(told, again.lines) {
                let answer = try Answer(line)
                #expect(answer.outcome == "duplicate" && answer.sequence == first.sequence, "\(key)")
            }
            #expect(try log.records("--stream", "fill").count == keys.count)
        }
    }
}
