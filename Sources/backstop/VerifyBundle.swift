// `verify FILE`: a bundle, checked without any log.

import Evidence
import Events
import Foundation
import Records

struct VerifyBundle {
    let file: String
    let known: Head?
    let json: Bool

    func run() throws {
        let bytes = try read()
        let bundle: EvidenceBundle
        do { bundle = try EvidenceBundle(reading: bytes) } catch {
            switch error {
            case .altered, .tooManyRecords: throw NegativeFinding(text: "\(file): \(error)")
            case .notABundle, .tooLarge, .noRecord: throw CannotRun("\(file): \(error)")
            }
        }
        let check = BundleCheck(bundle, bytes: bytes, known: known, version: Backstop.madeBy)
        show(bundle, check)
        guard check.findings.isEmpty else { throw NegativeFinding(text: "\(file) is not to be believed") }
    }

    private func read() throws -> [UInt8] {
        let opened = open(file, O_RDONLY | O_CLOEXEC)
        guard opened >= 0 else { throw CannotRun("\(file): \(String(cString: strerror(errno)))") }
        defer { close(opened) }
        var status = stat()
        guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CannotRun("\(file): no file; without an argument the log is verified")
        }
        guard status.st_size <= Limits.bundleBytesMax else {
            throw CannotRun("\(file): \(BundleError.tooLarge(Int(status.st_size)))")
        }
        let handle = FileHandle(fileDescriptor: opened, closeOnDealloc: false)
        return [UInt8](try handle.readToEnd() ?? Data())
    }

    private func show(_ bundle: EvidenceBundle, _ check: BundleCheck) {
        if json {
            Output.json(
                .object([
                    JSONMember("clean", .bool(check.findings.isEmpty)), JSONMember("log_id", .string("\(bundle.id)")),
                    JSONMember("subject", number(bundle.subject.rawValue)),
                    JSONMember("records", number(UInt64(bundle.records.count))),
                    JSONMember("withheld", number(UInt64(check.withheldRecords))),
                    JSONMember("loose", number(UInt64(check.looseRecords))),
                    JSONMember("linked_from", bundle.span.map { number($0.first.rawValue) } ?? .null),
                    JSONMember("linked_to", bundle.span.map { number($0.last.sequence.rawValue) } ?? .null),
                    JSONMember("states_recomputed", number(UInt64(check.recomputedStates))),
                    JSONMember("readable_parts_made_again", .bool(check.remadePages)),
                    JSONMember("head_given", .bool(known != nil)),
                    JSONMember("findings", .array(check.findings.map { .string($0) })),
                ]))
            return
        }
        for finding in check.findings { Output.line(Output.styled("ALTERED", .red) + "  \(finding)") }
        guard check.findings.isEmpty else { return }
        Output.line(
            "\(Output.styled("clean", .green))  \(grouped(bundle.records.count)) records of log \(bundle.id), about record "
                + "\(bundle.subject); states after \(check.recomputedStates) of them computed again")
        if check.withheldRecords > 0 {
            Output.line("\(check.withheldRecords) records are withheld; their hashes are in the chain")
        }
        Output.line(
            bundle.span.map { "linked from record \($0.first) to \($0.last)" }
                ?? "not linked: each record is bound to its own hash alone")
        if check.looseRecords > 0, bundle.span != nil {
            Output.line(
                "\(check.looseRecords) records outside of the link (sessions, streams, configuration) are bound to their own hash alone"
            )
        }
        if !check.remadePages {
            Output.line("made by \(bundle.madeBy): what people read in it was not compared with its bytes")
        }
        if known == nil {
            Output.line(
                "whether it is of the log that you mean shows only --head N:HASH, with a head that was kept elsewhere")
        }
    }
}
