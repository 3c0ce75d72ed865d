import ArgumentParser
import EventLog
import Events
import Evidence
import Foundation
import Records

struct BundleVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle",
        abstract: "One file with all the evidence of an incident.",
        discussion: """
            What led to a record, all that followed, every record of the same trace, and what was in force then; the state
            before and after each; all bytes that hashes are made of; and a page for a browser (unzip -p FILE page.html).
            Anybody can check it without the log: `backstop verify FILE`, or tools/check-bundle, a short Python script.
            Records that seem to hold a key, a signature or a listen key are left out, and named. schemas/bundle.md says
            what a bundle proves, and what it does not.

            Examples:
              backstop bundle 1204 incident.zip
              backstop verify incident.zip --head 1300:9f2c…      is it of the log whose head was kept elsewhere?

            Exit status: 0 made, 1 no such record, or too much evidence for one file, 2 could not run.
            """)

    @Argument(help: "The record that it is about.")
    var sequence: UInt64
    @Argument(help: "The file to make.")
    var file: String
    @Flag(help: "Write over a file that is there.")
    var force = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        guard !file.isEmpty else { throw CannotRun("the file's name is empty") }
        guard force || !FileManager.default.fileExists(atPath: file) else {
            throw CannotRun("\(file) is there already; --force writes over it")
        }
        let bundle: EvidenceBundle
        let bytes: [UInt8]
        do {
            bundle = try common.withLog(.reading) { log in
                try BundleMaker.make(
                    log, subject: SequenceNumber(sequence), secrets: secrets(), version: Backstop.madeBy
                ) { Output.progress("\($0) \(grouped($1.rawValue)) records") }
            }
            bytes = try bundle.encoded()
        } catch let error as BundleError { throw NegativeFinding(text: "\(error)") }
        Output.endProgress()
        try WholeFile.write(bytes, to: file)
        show(bundle, byteCount: bytes.count)
    }

    /// What this process could be asked to keep.
    private func secrets() -> Secrets {
        let environment = ProcessInfo.processInfo.environment
        let names = environment.keys.filter { name in
            ["KEY", "SECRET", "PASSWORD", "TOKEN", "REDIS"].contains {
                name.hasPrefix("BACKSTOP_") && name.contains($0)
            }
        }
        return Secrets(names.sorted().compactMap { environment[$0] })
    }

    private func show(_ bundle: EvidenceBundle, byteCount: Int) {
        let withheld = bundle.records.filter { record in
            if case .withheld = record.content { true } else { false }
        }.map(\.sequence)
        if common.json {
            Output.json(
                .object([
                    JSONMember("bundle", .string(file)), JSONMember("subject", number(sequence)),
                    JSONMember("records", number(UInt64(bundle.records.count))),
                    JSONMember("states", number(UInt64(bundle.states.count))),
                    JSONMember("linked_from", bundle.span.map { number($0.first.rawValue) } ?? .null),
                    JSONMember("linked_to", bundle.span.map { number($0.last.sequence.rawValue) } ?? .null),
                    JSONMember("withheld", .array(withheld.map { number($0.rawValue) })),
                    JSONMember("head", number(bundle.head.sequence.rawValue)),
                    JSONMember("head_hash", .string(bundle.head.hash.hex)),
                    JSONMember("bytes", number(UInt64(byteCount))),
                ]))
            return
        }
        Output.line(
            "\(file): \(grouped(bundle.records.count)) records, \(grouped(bundle.states.count)) states, \(bytes(byteCount))"
        )
        Output.line(
            bundle.span.map { "linked from record \($0.first) to \($0.last.sequence)" }
                ?? "NOT linked: more than \(grouped(Limits.bundleLinksMax)) records lie between the first and the last; each is bound to its own hash"
        )
        if !withheld.isEmpty {
            Output.line(
                "withheld, since they seem to hold a secret: \(withheld.map(\.description).joined(separator: ", "))")
        }
        Output.line("head \(bundle.head)")
    }
}

/// A file that is there whole or not at all.
enum WholeFile {
    static func write(_ bytes: [UInt8], to path: String) throws {
        let fresh = path + ".new"
        let file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw CannotRun("\(fresh): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress! + done, $0.count - done) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw CannotRun("\(fresh): \(String(cString: strerror(errno)))") }
            done += count
        }
        guard fsync(file) == 0, rename(fresh, path) == 0 else {
            throw CannotRun("\(path): \(String(cString: strerror(errno)))")
        }
        let folder = (path as NSString).deletingLastPathComponent
        let directory = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw CannotRun("\(path): \(String(cString: strerror(errno)))") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw CannotRun("\(path): \(String(cString: strerror(errno)))") }
    }
}
