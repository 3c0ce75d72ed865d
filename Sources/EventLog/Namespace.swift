// All processes of one log must see each other's pids: LMDB's reader slots are by pid, and a pid of
// another namespace looks dead, so that its reader's pages would be overwritten under it.

internal import Glibc

/// Held while the log is open: a shared lock on a file that names the PID namespace in use.
final class NamespaceClaim: Sendable {
    private let lock: FileLock

    init(folder: LogFolder, writable: Bool) throws(LogError) {
        guard writable || access(folder.log + "/namespace", W_OK) == 0 else {
            // A reader without the right to write has no slot to lose either: nothing to claim.
            lock = try FileLock(path: folder.log, readOnly: true)
            return
        }
        lock = try FileLock(path: folder.log + "/namespace")
        let ours = NamespaceClaim.current()
        if lock.tryLock(.exclusive) {
            // Nobody has the log open: whatever namespace was here before is gone.
            lock.replaceText(ours)
        }
        lock.lock(.shared)  // turns an exclusive lock into a shared one
        guard lock.text() == ours else {
            lock.unlock()
            throw .namespaceRefused(path: folder.path)
        }
    }

    private static func current() -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        let count = readlink("/proc/self/ns/pid", &buffer, 127)
        return count > 0 ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : "unknown"
    }
}
