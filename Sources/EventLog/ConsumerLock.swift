// A consumer of ours holds a lock file while it lives, and its row says so. Roles claim only from consumers
// whose lock is free, never by idle time alone: a process that is slow is not dead. Where the file is missing
// (a backup has none) nobody holds it.

internal import Glibc
package import Records

package final class ConsumerLock: Sendable {
    private let lock: FileLock

    /// Takes the consumer's lock; throws `consumerHeld` where a living process has it.
    package init(_ folder: LogFolder, _ stream: StreamName, _ group: String, consumer: String) throws(LogError) {
        try LogFolder.makeFolder(folder.consumers)
        let path = ConsumerLock.path(folder, stream, group, consumer)
        guard let taken = try ConsumerLock.take(path) else { throw .consumerHeld(group: group, consumer: consumer) }
        lock = taken
        lock.replaceText("\(stream.text)\n\(group)\n\(consumer)\n")  // for people
    }

    /// Whether a living process holds the lock.
    package static func isHeld(
        _ folder: LogFolder, _ stream: StreamName, _ group: String, consumer: String
    ) throws(LogError) -> Bool {
        let path = path(folder, stream, group, consumer)
        guard access(path, F_OK) == 0 else { return false }
        let lock = try FileLock(path: path)
        guard lock.tryLock(.shared) else { return true }
        lock.unlock()
        return false
    }

    /// Removes a dead consumer's file, holding its lock: a process that comes with the same name meanwhile
    /// notices, and makes a new one. Nothing is lost where it is there no more.
    package static func remove(
        _ folder: LogFolder, _ stream: StreamName, _ group: String, consumer: String
    ) throws(LogError) {
        let path = path(folder, stream, group, consumer)
        guard access(path, F_OK) == 0 else { return }
        let lock = try FileLock(path: path)
        guard lock.tryLock() else { return }
        unlink(path)
    }

    /// The lock on the file that stands at `path`; nil where a living process has it. Others who only look
    /// hold it for a moment, so it is tried for a while.
    private static func take(_ path: String) throws(LogError) -> FileLock? {
        for _ in 0..<Limits.consumerLockTriesMax {
            let lock = try FileLock(path: path)
            if lock.tryLock(), lock.isStill(at: path) { return lock }
            poll(nil, 0, 2)
        }
        return nil
    }

    private static func path(
        _ folder: LogFolder, _ stream: StreamName, _ group: String, _ consumer: String
    ) -> String {
        "\(folder.consumers)/\(Digest.sha256("\(stream.text)\n\(group)\n\(consumer)").hex.prefix(32))"
    }
}
