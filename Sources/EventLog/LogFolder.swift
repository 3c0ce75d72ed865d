// The log's folder on disk: what stands in it, how it is made, and the checks before anything is opened.
// FORMAT is readable without LMDB, so that another version's log is refused before a byte is touched.

internal import CLinux
internal import Glibc
internal import Records

/// ```
/// FORMAT        `formatLine`; of a backup a second line that begins with `backup`
/// log/          precious: records and group state, and what is derived inside the same transaction
/// keys/         derived: the key index' older part; may be deleted, then it is built again on open
/// views/        derived: projections, snapshots, search index; may be deleted
/// consumers/    lock files of living consumers
/// ```
package struct LogFolder: Sendable {
    package static let formatLine = "backstop-log 2"
    /// Its key index stood in log/, in a table that this version does not keep: see `OlderFormat`.
    static let formatLineBefore = "backstop-log 1"
    private static let backupWord = "backup"
    private static let dataBytesMin: off_t = 8_192

    package let path: String
    /// Written by the version before; a writing open makes it ours.
    let isOlder: Bool
    package var log: String { path + "/log" }
    package var keys: String { path + "/keys" }
    package var views: String { path + "/views" }
    package var consumers: String { path + "/consumers" }
    var format: String { path + "/FORMAT" }
    var reserve: String { log + "/reserve" }

    /// Checks an existing log's folder.
    package init(existing path: String, writable: Bool) throws(LogError) {
        self.path = path
        guard access(path, F_OK) == 0 else { throw .missing(path: path) }
        guard let line = LogFolder.read(path + "/FORMAT") else {
            throw access(path + "/log", F_OK) == 0 ? .notALog(path: path) : LogFolder.emptyOrForeign(path)
        }
        let found = line.split(separator: "\n").first.map(String.init) ?? ""
        isOlder = found == LogFolder.formatLineBefore
        guard found == LogFolder.formatLine || isOlder else {
            throw .formatUnknown(path: path, found: String(found.prefix(80)))
        }
        try requireData()
        if writable {
            let isBackup = line.split(separator: "\n").dropFirst().contains { $0.hasPrefix(LogFolder.backupWord) }
            if isBackup { throw .isBackup(path: path) }
            for place in [path, log, log + "/data.mdb"] where access(place, W_OK) != 0 {
                throw .notWritable(path: place)
            }
        }
        try LogFolder.requireLocalDisk(path)
    }

    /// A folder that an `UnfinishedLog` has made: without a FORMAT.
    package init(unfinished path: String) throws(LogError) {
        self.path = path
        isOlder = false
        guard access(path + "/FORMAT", F_OK) != 0 else { throw .alreadyThere(path: path) }
        try requireData()
    }

    /// Makes the folders of a new log. FORMAT is written last, by `finish`, so that a half-made log is no log.
    init(creating path: String) throws(LogError) {
        self.path = path
        isOlder = false
        guard access(path + "/FORMAT", F_OK) != 0 else { throw .alreadyThere(path: path) }
        try LogFolder.makeFolder(path)
        try LogFolder.requireLocalDisk(path)
        for folder in [log, views, consumers] { try LogFolder.makeFolder(folder) }
    }

    /// What a copy or a maker that was stopped has left; there is no FORMAT, so it is nobody's log.
    func removeUnfinishedCopy() throws(LogError) {
        guard unlink(log + "/data.mdb") == 0 || errno == ENOENT else {
            throw .notWritten("\(log)/data.mdb: \(Errno.text())")
        }
    }

    /// LMDB begins with two pages: a file that is shorter is what a maker that was stopped there has left. LMDB
    /// would refuse it for ever.
    func removeHalfMadeData() throws(LogError) {
        var status = stat()
        guard stat(log + "/data.mdb", &status) == 0, status.st_size < LogFolder.dataBytesMin else { return }
        try removeUnfinishedCopy()
    }

    func finish() throws(LogError) {
        try LogFolder.writeDurably(LogFolder.formatLine + "\n", to: format)
    }

    /// As `finish`, of a backup: it can be read and restored from, and not be written to. Written to, it would give names
    /// that the log it was made of gives, too.
    func finishBackup(of id: LogID, _ head: Head) throws(LogError) {
        try LogFolder.writeDurably(
            "\(LogFolder.formatLine)\n\(LogFolder.backupWord) of \(id) at \(head)\n", to: format)
    }

    /// On disk, by a write of the file and of its folder.
    static func sync(_ path: String) throws(LogError) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .notWritten("\(path): \(Errno.text())") }
        defer { Glibc.close(file) }
        guard fsync(file) == 0 else { throw .notWritten("\(path): \(Errno.text())") }
        try syncFolder(of: path)
    }

    /// LMDB would take an empty file for a new database and write over it.
    private func requireData() throws(LogError) {
        var status = stat()
        guard stat(log + "/data.mdb", &status) == 0 else { throw .damaged("\(log)/data.mdb is missing") }
        guard status.st_size >= LogFolder.dataBytesMin else {
            throw .damaged("\(log)/data.mdb is cut off: \(status.st_size) bytes found")
        }
    }

    private static func emptyOrForeign(_ path: String) -> LogError {
        access(path + "/data.mdb", F_OK) == 0 ? .notALog(path: path) : .missing(path: path)
    }

    package static func makeFolder(_ path: String) throws(LogError) {
        if mkdir(path, 0o750) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let parent = path.lastIndex(of: "/"), parent > path.startIndex {
            try makeFolder(String(path[..<parent]))
            if mkdir(path, 0o750) == 0 || errno == EEXIST { return }
        }
        throw errno == EACCES || errno == EROFS ? .notWritable(path: path) : .notWritten("\(path): \(Errno.text())")
    }

    private static func requireLocalDisk(_ path: String) throws(LogError) {
        let refused: [Int64: String] = [
            0x6969: "NFS", 0xff53_4d42: "CIFS", 0xfe53_4d42: "SMB2", 0x517b: "SMB", 0x6573_5546: "FUSE",
            0x0102_1997: "9P", 0x00c3_6400: "Ceph", 0x7461_636f: "OCFS2", 0x0116_1970: "GFS2", 0x5346_414f: "AFS",
        ]
        if let kind = refused[backstop_filesystem_magic(path)] { throw .filesystemRefused(path: path, kind: kind) }
    }

    /// Nil where the file is not there or cannot be read; callers say which they mean.
    package static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { Glibc.close(file) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(file, &buffer, buffer.count)
        return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// All of it or nothing: a file of its own, synced, then renamed.
    private static func writeDurably(_ text: String, to path: String) throws(LogError) {
        let fresh = path + ".new"
        let file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw .notWritten("\(fresh): \(Errno.text())") }
        let bytes = Array(text.utf8)
        let isWritten = write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        Glibc.close(file)
        guard isWritten, rename(fresh, path) == 0 else { throw .notWritten("\(path): \(Errno.text())") }
        try syncFolder(of: path)
    }

    private static func syncFolder(of path: String) throws(LogError) {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let folder = open(String(path[..<end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .notWritten("\(path): \(Errno.text())") }
        defer { Glibc.close(folder) }
        guard fsync(folder) == 0 else { throw .notWritten("\(path): \(Errno.text())") }
    }
}

enum Errno {
    static func text() -> String { String(cString: strerror(errno)) }
}
