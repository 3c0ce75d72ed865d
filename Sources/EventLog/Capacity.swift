// The log's own limit on space, checked before each transaction, so that LMDB never meets a full disk
// (it would report EIO). A reserve file with real blocks is given back by the first emergency append
// that needs it.

internal import Glibc
internal import Records

/// Which appends may still be taken as the log fills.
package enum WriteClass: Int, Comparable, Sendable {
    case ordinary, group, emergency
    package static func < (a: WriteClass, b: WriteClass) -> Bool { a.rawValue < b.rawValue }
}

package struct Space: Sendable {
    /// Bytes of the data file up to its last page in use.
    package let used: Int
    /// Bytes that the log could ever use: its own maximum, or what it has plus what the disk has free.
    package let capacity: Int
    package let diskFree: Int
    package let reserve: Int

    /// Bytes of records that one transaction may put, so that with its index pages and the pages that it
    /// replaces it fits into what is free.
    var bytesPerTransaction: Int { min(Limits.jobBytesMax, max(diskFree / 4, Limits.freeBytesMin / 4)) }

    package var fillPercent: Int { capacity <= 0 ? 100 : Int((Double(used) / Double(capacity) * 100).rounded(.down)) }
}

package struct Capacity: Sendable {
    private let folder: LogFolder
    private let bytesMax: Int
    /// What the reserve ought to have.
    private let reserveWanted: Int

    init(folder: LogFolder, bytesMax: Int, reserveWanted: Int) {
        self.folder = folder
        self.bytesMax = bytesMax
        self.reserveWanted = reserveWanted
    }

    func space(used: Int) -> Space {
        let free = Capacity.diskFree(folder.log)
        return Space(used: used, capacity: min(bytesMax, used + free), diskFree: free, reserve: reserveBytes())
    }

    /// Nil where a write of that class may go on.
    func refusal(_ write: WriteClass, _ space: Space) -> Refusal? {
        switch write {
        case .emergency: return nil
        case .ordinary: return refusal(space, percentMax: Limits.ordinaryFillPercentMax, what: "ordinary appends")
        case .group: return refusal(space, percentMax: Limits.groupFillPercentMax, what: "changes of groups")
        }
    }

    private func refusal(_ space: Space, percentMax: Int, what: String) -> Refusal? {
        // While the reserve is given away, its room on the disk is for emergencies alone.
        let missing = max(0, reserveWanted - space.reserve)
        let isTight = space.diskFree < Limits.freeBytesMin + missing
        if isTight, missing > 0, space.fillPercent < percentMax {
            return .full(
                "\(space.diskFree) bytes are free on the disk, and \(missing) of them are for the reserve that is missing; "
                    + "\(what) wait: free space, or lower log.reserve_bytes; see ops/runbooks/log-full.md")
        }
        guard isTight || space.fillPercent >= percentMax else { return nil }
        return .full(
            "the log uses \(space.used) of \(space.capacity) bytes that it may use (\(space.diskFree) free on the disk); "
                + "\(what) stop at \(percentMax) %; free space, see ops/runbooks/log-full.md")
    }

    /// Gives the reserve back to the file system. False where there is none.
    @discardableResult
    func releaseReserve() -> Bool { unlink(folder.reserve) == 0 }

    /// Makes the reserve with real blocks where it is missing and the disk has room for it twice.
    func restoreReserve() throws(LogError) {
        let bytes = reserveWanted
        guard bytes > 0, reserveBytes() < bytes else { return }
        let free = Capacity.diskFree(folder.log)
        guard free > 2 * bytes else { throw .diskTooSmall(path: folder.log, needed: 2 * bytes, free: free) }
        let file = open(folder.reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw .notWritten("\(folder.reserve): \(Errno.text())") }
        defer { close(file) }
        let status = posix_fallocate(file, 0, bytes)
        guard status == 0 else {
            unlink(folder.reserve)
            throw .notWritten("\(folder.reserve): \(String(cString: strerror(status)))")
        }
    }

    private func reserveBytes() -> Int {
        var status = stat()
        return stat(folder.reserve, &status) == 0 ? Int(status.st_size) : 0
    }

    package static func diskFree(_ path: String) -> Int {
        var answer = statvfs()
        guard statvfs(path, &answer) == 0 else { return 0 }
        return Int(answer.f_bavail) * Int(answer.f_frsize)
    }
}
