import ArgumentParser
import Dispatch
import EventLog
import Events
import Foundation
import Records

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Check every byte of the log, or of a bundle: the hash chain, gaps, indexes, keys, guards and groups.",
        discussion: """
            Runs in a child process, because a page that is damaged inside LMDB can end a process. It changes
            nothing, and may run beside everything else. With a file it checks a bundle, and needs no log.

            Examples:
              backstop verify
              backstop verify --head 1204:9f2c…     also: was the log cut off or rewritten since that head?
              backstop verify incident.zip --head 1204:9f2c…     a bundle: is it whole, and of that log?

            Exit status: 0 clean, 1 damaged (the first bad sequence is named), 2 could not run.
            """)

    @Argument(help: "A bundle; without it the log is verified.")
    var bundle: String?
    @Option(help: ArgumentHelp("A head that was kept elsewhere (status prints it).", valueName: "n:hash"))
    var head: String?
    @Flag(name: .customLong("in-process"), help: .hidden)
    var inProcess = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        let known = try head.map { text in
            guard let head = Head(text) else {
                throw CannotRun("--head \(text): N:HASH is needed, as status prints it")
            }
            return head
        }
        if let bundle {
            try VerifyBundle(file: bundle, known: known, json: common.json).run()
        } else if inProcess {
            try check(known)
        } else {
            try runInChild()
        }
    }

    private func runInChild() throws {
        let answer = try OwnChild.run(
            Array(CommandLine.arguments.dropFirst()) + ["--in-process"], reading: "the file")
        throw ExitCode(answer.status)
    }

    private func check(_ known: Head?) throws {
        let began = DispatchTime.now().uptimeNanoseconds
        let report: VerifyReport
        do {
            report = try common.withLog(.verifying) { log in
                try log.verify(known: known) { Output.progress("verified \(grouped($0.rawValue))") }
            }
        } catch let error as LogError {
            guard case .damaged(let what) = error else { throw error }
            throw NegativeFinding(text: "damaged: \(what); see ops/runbooks/log-damaged.md")
        } catch let error as RecordError {
            throw NegativeFinding(text: "damaged: \(error)")
        }
        Output.endProgress()
        show(report, seconds: Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9)
        guard report.isClean else { throw ExitCode(1) }
    }

    private func show(_ report: VerifyReport, seconds: Double) {
        if common.json {
            Output.json(
                .object([
                    JSONMember("clean", .bool(report.isClean)),
                    JSONMember("head", number(report.head.sequence.rawValue)),
                    JSONMember("head_hash", .string(report.head.hash.hex)),
                    JSONMember(
                        "findings",
                        .array(
                            report.findings.map {
                                .object([
                                    JSONMember("seq", $0.sequence.map { number($0.rawValue) } ?? .null),
                                    JSONMember("problem", .string($0.problem)),
                                ])
                            })),
                ]))
            return
        }
        for finding in report.findings {
            let place = finding.sequence.map { "record \($0): " } ?? ""
            Output.line(Output.styled("DAMAGED", .red) + "  \(place)\(finding.problem)")
        }
        if report.isClean {
            let count = grouped(report.head.sequence.rawValue)
            Output.line(
                "\(Output.styled("clean", .green))  \(count) records in \(seconds.seconds)  head \(report.head)")
        }
    }
}
