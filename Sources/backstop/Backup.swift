import ArgumentParser
import Dispatch
import EventLog
import Events
import Records

struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the live log into a new folder, then open and verify the copy.",
        discussion: """
            The copy is consistent and holds records and group state; views are built again from it. Keep the
            head that is printed: it shows later whether a log is this one's continuation.

            Examples:
              backstop backup /backup/2026-01-17
            """)

    @Argument(help: "The folder to make.")
    var destination: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        let began = DispatchTime.now().uptimeNanoseconds
        try common.withLog(.reading) { try $0.backup(to: destination) }
        let (report, size) = try verified()
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
        guard report.isClean else {
            let first = report.findings.first?.problem ?? ""
            throw NegativeFinding(text: "the copy in \(destination) is not clean: \(first)")
        }
        if common.json {
            Output.json(
                .object([
                    JSONMember("backup", .string(destination)),
                    JSONMember("head", number(report.head.sequence.rawValue)),
                    JSONMember("head_hash", .string(report.head.hash.hex)), JSONMember("bytes", number(UInt64(size))),
                ]))
        } else {
            Output.line("\(destination): \(bytes(size)), verified clean, in \(seconds.seconds)")
            Output.line("head \(report.head)")
        }
    }

    private func verified() throws -> (VerifyReport, Int) {
        let copy = try EventLog(
            at: destination, mode: .reading, rules: EventRules.rules, options: try common.logOptions())
        defer { copy.close() }
        return (try copy.verify(known: nil) { _ in }, copy.space().used)
    }
}
