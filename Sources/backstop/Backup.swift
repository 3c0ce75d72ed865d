import ArgumentParser
import Dispatch
import EventLog
import Events
import Foundation
import Records

struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the live log into a new folder, and verify every byte of the copy.",
        discussion: """
            The copy is consistent and holds records and group state; views are built again from it. Writers go on beside
            it. Until it is verified it passes for no backup, whenever this is killed; started again, it begins anew.
            Keep the head that is printed: it shows later whether a log is this one's continuation. A backup can be read
            (backstop query --log DEST), and is never written to: backstop restore makes a log from it.

            Examples:
              backstop backup /backup/2026-01-17
              backstop backup /backup/$(date +%F) --json >> /elsewhere/heads.jsonl

            Exit status: 0 done, 1 the copy or the log is damaged, 2 could not run (the disk is too small, say: that is
            said before it begins).
            """)

    @Argument(help: "The folder to make; not inside the log's own.")
    var destination: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        guard !destination.isEmpty else { throw CannotRun("the folder's name is empty") }
        let began = DispatchTime.now().uptimeNanoseconds
        let (needed, source) = try common.withLog(.reading) { ($0.copyBytesMax, $0.folder) }
        let unfinished = try UnfinishedLog(
            at: destination, from: source, needed: needed, diskFree: { Capacity.diskFree($0) })
        let written = try OwnChild.run(
            ["copy-stage", "write", destination] + common.again, reading: source.path,
            tick: { Output.progress("copied \(bytes(fileBytes)) of at most \(bytes(needed))") })
        Output.endProgress()
        guard written.status == 0 else { throw ExitCode(written.status) }
        let copied = DispatchTime.now().uptimeNanoseconds
        let checked = try CheckedCopy.check(destination, common)
        Failpoint.copyChecked.hit()
        try unfinished.finishBackup(of: checked.id, checked.head)
        show(
            checked, copying: Double(copied - began) / 1e9,
            all: Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9)
    }

    /// Of the copy, so far.
    private var fileBytes: Int {
        // A number for people; the file may not be there yet.
        let attributes = try? FileManager.default.attributesOfItem(atPath: destination + "/log/data.mdb")
        return (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }

    private func show(_ copy: CheckedCopy, copying: Double, all: Double) {
        if common.json {
            Output.json(
                .object([
                    JSONMember("backup", .string(destination)), JSONMember("log_id", .string("\(copy.id)")),
                    JSONMember("head", number(copy.head.sequence.rawValue)),
                    JSONMember("head_hash", .string(copy.head.hash.hex)),
                    JSONMember("bytes", number(UInt64(copy.bytes))),
                    JSONMember("copy_ms", number(UInt64(copying * 1_000))),
                    JSONMember("verify_ms", number(UInt64((all - copying) * 1_000))),
                ]))
        } else {
            Output.line(
                "\(destination): \(grouped(copy.head.sequence.rawValue)) records, \(bytes(copy.bytes)), copied in "
                    + "\(copying.seconds), verified clean in \((all - copying).seconds)")
            Output.line("head \(copy.head)")
        }
    }
}
