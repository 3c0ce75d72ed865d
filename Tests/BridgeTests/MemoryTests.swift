// A hundred thousand entries each way: the bridge holds no more than a batch.

import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct MemoryTests {
    @Test func memoryStaysFlat() throws {
        try withBridge { redis, bench in
            // The disk of a test machine is not what is measured.
            try redis.run("CONFIG", "SET", "appendfsync", "no")
            let lines = (0..<50_000).map { #"{"n":"\#($0)","text":"\#(String(repeating: "x", count: 100))"}"# }
            let path = bench.folder + "/lines.jsonl"
            try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
            #expect(try bench.start(["append", "out", "--from", path]).finish().status == 0)
            let text = String(repeating: "x", count: 100)
            try redis.feed("feed", 0..<5_000, ["text", text])
            try bench.startBridge()
            try bench.settle(redis)
            let pid = try #require(bench.bridge).pid
            let before = try residentBytes(of: pid)
            let began = ContinuousClock.now
            for part in 0..<10 {
                let first = 5_000 + part * 10_000
                try redis.feed("feed", first..<first + 10_000, ["text", text])
            }
            try bench.wait("all is imported", within: 140) {
                try redis.info(["GROUPS", "feed"], named: BridgeBench.group, "lag") == 0
                    && redis.info(["GROUPS", "feed"], named: BridgeBench.group, "pending") == 0
            }
            let took = began.duration(to: .now)
            let after = try residentBytes(of: pid)
            print(
                "bridge: 155,000 entries, the last 100,000 in \(took); anonymous memory \(before >> 10) KiB, then \(after >> 10) KiB"
            )
            #expect(after < before + 16 << 20, "\(before) → \(after)")
            #expect(try bench.entries("feed").count == 105_000)
            #expect(try redis.run("XLEN", "out") == .integer(50_000))
        }
    }
}
