// The children of `backup` and `restore`: one writes the copy, one reads every byte of it. What may crash over a damaged
// page happens here, in a folder that is no log yet.

import ArgumentParser
import EventLog
import Events
import Foundation
import Records

struct CopyStage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy-stage", abstract: "A part of backup and restore; not to be started by hand.",
        shouldDisplay: false)

    enum Stage: String, ExpressibleByArgument { case write, check }

    @Argument var stage: Stage
    /// An `UnfinishedLog`'s folder.
    @Argument var folder: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        let lock = try UnfinishedLog.join(folder)
        defer { withExtendedLifetime(lock) {} }
        switch stage {
        case .write: try common.withLog(.reading) { try $0.copy(into: folder) }
        case .check: try check()
        }
    }

    /// One line of JSON where every byte is right, else exit status 1 and the first finding.
    private func check() throws {
        let (report, log): (VerifyReport, JSONValue)
        do { (report, log) = try verified() } catch let error as LogError {
            guard case .damaged(let what) = error else { throw error }
            throw NegativeFinding(text: "the copy is damaged: \(what)")
        } catch let error as RecordError {
            throw NegativeFinding(text: "the copy is damaged: \(error)")
        }
        Output.endProgress()
        if let finding = report.findings.first {
            let place = finding.sequence.map { "record \($0): " } ?? ""
            throw NegativeFinding(text: "the copy is damaged: \(place)\(finding.problem)")
        }
        Output.json(log)
    }

    private func verified() throws -> (VerifyReport, JSONValue) {
        let copy = try EventLog(
            in: try LogFolder(unfinished: folder), mode: .verifying, rules: EventRules.rules,
            options: try common.logOptions())
        defer { copy.close() }
        let report = try copy.verify(known: nil) { Output.progress("checked \(grouped($0.rawValue)) records") }
        let checked = CheckedCopy(
            id: copy.id, origin: copy.identity.origin, head: report.head, bytes: copy.space().used)
        return (report, checked.json)
    }
}

/// What the checking child says of a copy that is clean.
struct CheckedCopy {
    let id: LogID
    let origin: LogID
    let head: Head
    let bytes: Int

    var json: JSONValue {
        .object([
            JSONMember("log_id", .string("\(id)")), JSONMember("origin", .string("\(origin)")),
            JSONMember("head", .string("\(head)")), JSONMember("bytes", number(UInt64(bytes))),
        ])
    }

    init(id: LogID, origin: LogID, head: Head, bytes: Int) {
        (self.id, self.origin, self.head, self.bytes) = (id, origin, head, bytes)
    }

    private init(reading line: String) throws {
        let value = try JSONText.read(String(line.prefix { $0 != "\n" }))
        guard case .string(let id) = value["log_id"], let id = LogID(hex: id),
            case .string(let origin) = value["origin"], let origin = LogID(hex: origin),
            case .string(let head) = value["head"], let head = Head(head),
            case .number(let bytes) = value["bytes"], let bytes = Int(bytes)
        else { throw CannotRun("the checking process answered \(line)") }
        self.init(id: id, origin: origin, head: head, bytes: bytes)
    }

    /// Reads every byte of the copy in a child. Throws a negative finding where it is not clean.
    static func check(_ folder: String, _ common: CommonOptions) throws -> CheckedCopy {
        let answer = try OwnChild.run(
            ["copy-stage", "check", folder] + common.again, reading: folder, captured: true)
        guard answer.status == 0 else { throw ExitCode(answer.status) }
        return try CheckedCopy(reading: answer.output)
    }
}
