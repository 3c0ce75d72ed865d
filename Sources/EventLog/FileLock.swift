// A lock that the kernel gives back when its holder dies: flock on a file of its own.

internal import Glibc

package final class FileLock: Sendable {
    package enum Mode: Sendable { case shared, exclusive }

    let descriptor: Int32
    package let path: String

    /// Opens or makes the file; takes no lock yet.
    package init(path: String, readOnly: Bool = false) throws(LogError) {
        let opened = open(path, (readOnly ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0o640)
        guard opened >= 0 else {
            throw errno == EACCES || errno == EROFS ? .notWritable(path: path) : .notWritten("\(path): \(Errno.text())")
        }
        descriptor = opened
        self.path = path
    }

    deinit { close(descriptor) }

    /// Waits for the lock.
    package func lock(_ mode: Mode = .exclusive) {
        while flock(descriptor, mode == .shared ? LOCK_SH : LOCK_EX) != 0 {
            precondition(errno == EINTR, "flock on an open file fails only by a signal")
        }
    }

    /// False where another holds it.
    package func tryLock(_ mode: Mode = .exclusive) -> Bool {
        flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0
    }

    /// Whether the open file is the one that the path names: it may have been removed before it was locked.
    func isStill(at path: String) -> Bool {
        var (opened, named) = (stat(), stat())
        guard fstat(descriptor, &opened) == 0, stat(path, &named) == 0 else { return false }
        return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
    }

    package func unlock() { flock(descriptor, LOCK_UN) }

    /// The file's text, at most 4 KiB.
    func text() -> String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }

    func replaceText(_ text: String) {
        let bytes = Array(text.utf8)
        // Text for people and for a comparison under the lock; a failed write is seen by the comparison.
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, bytes, bytes.count, 0)
    }
}
