// Where closes stand before they leave: one file a run, in the first folder that takes a write in time, else standard
// error. It is read again after a crash, and a file goes when all of its lines are records. A torn last line is what a
// crash leaves; anything else that cannot be read is told, and what can be read is used.

package import Domain
internal import Events
internal import Glibc
internal import Records
internal import Synchronization

/// What an earlier life has left of a run.
package struct JournaledRun: Sendable {
    package let trigger: ExitTrigger
    package var lines: [ExitLine]
}

package final class SideJournal: Sendable {
    private struct Place: Sendable {
        let folder: String
        let thread: PatientThread
    }
    private let places: [Place]
    private let speaker: Speaker
    private let writeMilliseconds: Int
    /// Files that this life began: folder and trigger.
    private let begun = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - folders: in the order in which they are tried; made where they are not there.
    ///   - writeMilliseconds: for one write to one of them.
    package init(
        folders: [String], speaker: Speaker, writeMilliseconds: Int = Limits.exitJournalWriteMilliseconds
    ) {
        self.writeMilliseconds = writeMilliseconds
        places = folders.map { Place(folder: $0, thread: PatientThread("journal", tasksMax: 64)) }
        self.speaker = speaker
    }

    // MARK: Writing

    /// - Parameter all: every line of the run so far, of which the last `newest` are not written yet.
    /// - Returns: where they stand; nil: nowhere.
    package func append(_ all: [ExitLine], newest: Int, of trigger: ExitTrigger) -> String? {
        let texts = all.map(\.text)
        for place in places {
            let key = place.folder + "/" + SideJournal.name(trigger.id)
            // A file that this life did not begin gets the whole run: its own earlier lines stand there twice, then.
            let isBegun = begun.withLock { $0.contains(key) }
            let lines = isBegun ? Array(texts.suffix(newest)) : texts
            let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
            let isWritten = place.thread.result(within: writeMilliseconds) {
                SideJournal.append(bytes, to: key, in: place.folder)
            }
            if isWritten == true {
                begun.withLock { _ = $0.insert(key) }
                return key
            }
            // It lacks these lines from here on: its next write is the whole run.
            begun.withLock { _ = $0.remove(key) }
            speaker.warn("journal \(place.folder): \(isWritten == nil ? "no answer in time" : "it takes no write")")
        }
        let isTold = speaker.record(Array(texts.suffix(newest)), within: writeMilliseconds)
        return isTold ? "standard error" : nil
    }

    private static func append(_ bytes: [UInt8], to path: String, in folder: String) -> Bool {
        mkdir(folder, 0o700)
        let isNew = access(path, F_OK) != 0
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // A line that a crash tore must not swallow the next one.
        let start: [UInt8] = isNew ? [] : [0x0a]
        let whole = start + bytes
        guard whole.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == whole.count else {
            return false
        }
        guard fdatasync(descriptor) == 0 else { return false }
        return !isNew || syncFolder(folder)
    }

    private static func syncFolder(_ folder: String) -> Bool {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    /// All of the run's lines are records.
    package func remove(_ trigger: ExitTrigger) {
        for place in places {
            let path = place.folder + "/" + SideJournal.name(trigger.id)
            begun.withLock { _ = $0.remove(path) }
            place.thread.give { unlink(path) }
        }
    }

    private static func name(_ trigger: String) -> String {
        "exit-" + Hex.encode(Array(Digest.sha256(Array(trigger.utf8)).bytes.prefix(12))) + ".jsonl"
    }

    // MARK: Reading

    /// The runs that are not finished, the oldest first. Folders that do not answer within a second are left out.
    package func read() -> [JournaledRun] {
        var runs: [String: JournaledRun] = [:]
        for place in places {
            guard let found = place.thread.result(within: 1_000, { SideJournal.read(place.folder) }) else {
                speaker.alarm("journal \(place.folder): it does not answer; what stands there is not known")
                continue
            }
            for problem in found.problems { speaker.alarm("journal \(place.folder): \(problem)") }
            for run in found.runs {
                var known = runs[run.trigger.id] ?? JournaledRun(trigger: run.trigger, lines: [])
                for line in run.lines where !known.lines.contains(line) { known.lines.append(line) }
                runs[run.trigger.id] = known
            }
        }
        return runs.values.sorted {
            ($0.trigger.acceptedAtNs, $0.trigger.id) < ($1.trigger.acceptedAtNs, $1.trigger.id)
        }
    }

    private struct Found: Sendable {
        var runs: [JournaledRun] = []
        var problems: [String] = []
    }

    private static func read(_ folder: String) -> Found {
        var found = Found()
        guard let entries = opendir(folder) else { return found }
        defer { closedir(entries) }
        var names: [String] = []
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix("exit-"), name.hasSuffix(".jsonl") { names.append(name) }
        }
        for name in names.sorted().prefix(Limits.exitJournalFilesMax) {
            guard let bytes = bytes(of: folder + "/" + name) else {
                found.problems.append("\(name) cannot be read")
                continue
            }
            read(bytes, name, &found)
        }
        return found
    }

    private static func bytes(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < Limits.exitJournalBytesMax {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 { return nil }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
        return nil
    }

    private static func read(_ bytes: [UInt8], _ name: String, _ found: inout Found) {
        var run: JournaledRun?
        let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() where !line.isEmpty {
            let isLast = number == lines.count - 1
            do {
                guard line.count <= Limits.exitJournalLineBytesMax else { throw ExitLineError("it is too long") }
                let read = try ExitLine(String(decoding: line, as: UTF8.self), trigger: run?.trigger.id)
                if case .trigger(let trigger) = read {
                    if run == nil { run = JournaledRun(trigger: trigger, lines: []) }
                    guard trigger.id == run?.trigger.id else { throw ExitLineError("it names another trigger") }
                }
                if run?.lines.contains(read) == false { run?.lines.append(read) }
            } catch {
                if !isLast { found.problems.append("\(name), line \(number + 1): \(error)") }
            }
        }
        if let run { found.runs.append(run) }
    }
}
