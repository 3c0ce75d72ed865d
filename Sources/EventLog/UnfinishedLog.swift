// A folder in which a log is made from another one. Until it is whole it has no FORMAT, so it passes for no log and for no
// backup; a file says what it is, so that it may be begun again after a kill, and a lock on that file keeps others away.
// It must never touch a folder that holds anything else.

internal import Glibc
package import Records

package final class UnfinishedLog: Sendable {
    package let folder: LogFolder
    private let lock: FileLock
    private static let mark = "UNFINISHED"

    /// Makes the folder, or takes over what a copy that was stopped has left there. All that speaks against it is said before
    /// anything is made.
    /// - Parameters:
    ///   - source: what is to be copied.
    ///   - needed: bytes of the copy.
    ///   - diskFree: bytes that are free on the disk of a folder that is there.
    package init(
        at path: String, from source: LogFolder, needed: Int, diskFree: (String) -> Int
    ) throws(LogError) {
        guard access(path + "/FORMAT", F_OK) != 0 else { throw .alreadyThere(path: path) }
        try UnfinishedLog.requireOutside(path, source)
        let isLeft = try UnfinishedLog.isLeft(path)
        if !isLeft { try UnfinishedLog.requireSpace(UnfinishedLog.standing(path), needed, path, diskFree) }
        try LogFolder.makeFolder(path)
        lock = try FileLock(path: path + "/" + UnfinishedLog.mark)
        guard lock.tryLock() else { throw .beingMade(path: path) }
        lock.replaceText("a backup or a restore that is not finished; whoever makes it again begins anew\n")
        folder = try LogFolder(creating: path)
        try folder.removeUnfinishedCopy()
        if isLeft { try UnfinishedLog.requireSpace(path, needed, path, diskFree) }
        // Children that work here hold it, too: whoever comes next waits for the last of them.
        lock.lock(.shared)
        Failpoint.copyPrepared.hit()
    }

    /// Held by a child that works in the folder, for as long as it does.
    package static func join(_ path: String) throws(LogError) -> FileLock {
        let lock = try FileLock(path: path + "/" + mark)
        guard lock.tryLock(.shared) else { throw .beingMade(path: path) }
        return lock
    }

    package func finishBackup(of id: LogID, _ head: Head) throws(LogError) {
        try folder.finishBackup(of: id, head)
        try removeMark()
    }

    package func finish() throws(LogError) {
        try folder.finish()
        try removeMark()
    }

    private func removeMark() throws(LogError) {
        Failpoint.copyRenamed.hit()
        unlink(lock.path)
        Failpoint.copyFinished.hit()
    }

    // MARK: What speaks against it

    private static func requireSpace(
        _ place: String, _ needed: Int, _ path: String, _ diskFree: (String) -> Int
    ) throws(LogError) {
        let (free, needed) = (diskFree(place), needed + Limits.freeBytesMin)
        guard free > needed else { throw .diskTooSmall(path: path, needed: needed, free: free) }
    }

    /// Whether an unfinished copy is there. Throws where anything else is.
    private static func isLeft(_ path: String) throws(LogError) -> Bool {
        guard let folder = opendir(path) else {
            if errno == ENOENT { return false }
            if errno == ENOTDIR, access(path, F_OK) == 0 { throw .notEmpty(path: path) }
            throw errno == EACCES ? .notWritable(path: path) : .notWritten("\(path): \(Errno.text())")
        }
        defer { closedir(folder) }
        if access(path + "/" + mark, F_OK) == 0 { return true }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name == "." || name == ".." || name == "lost+found" else { throw .notEmpty(path: path) }
        }
        return false
    }

    private static func requireOutside(_ path: String, _ source: LogFolder) throws(LogError) {
        guard let inner = resolved(standing(path)), let outer = resolved(source.path) else { return }
        guard inner != outer, !inner.hasPrefix(outer + "/") else {
            throw .insideItself(path: path, source: source.path)
        }
    }

    /// The nearest folder above that is there.
    private static func standing(_ path: String) -> String {
        var path = path
        while access(path, F_OK) != 0 {
            guard let slash = path.lastIndex(of: "/") else { return "." }
            path = slash == path.startIndex ? "/" : String(path[..<slash])
        }
        return path
    }

    private static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }
}
