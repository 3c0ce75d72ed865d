// Copies of a whole log: hot, from a living environment, and cold, byte for byte, from a backup that nothing may touch. And
// what makes a copy a log of its own. What must not be added: a copy of a living log's file by reading it, which is torn.

internal import Glibc
internal import LMDB
package import Records

extension EventLog {
    /// A consistent copy of log/ as it is now, group state included, on disk when this returns. Writers go on beside it; the
    /// pages that they free meanwhile are not used again until it is done.
    @available(*, noasync)
    package func copy(into path: String) throws {
        let data = path + "/log"
        do { try environment.copy(to: data, compact: true) } catch let error as LMDBError {
            throw LogError.notWritten("the copy in \(data): \(error)")
        }
        try LogFolder.sync(data + "/data.mdb")
        Failpoint.copyWritten.hit()
    }

    /// What copying takes, at most.
    package var copyBytesMax: Int { environment.info().usedBytes }

    /// Makes this copy, which nobody else has, a log of its own, in one transaction: its id, the record that says so, and
    /// the halt, where there is one. It has to be opened again after that.
    @available(*, noasync)
    package func become(_ restoration: Restoration, halt: Draft?) throws -> Head {
        let origin = identity.origin
        let earlier = identity.barrier
        return try transact(.emergency) { transaction in
            guard transaction.head == restoration.parentHead else {
                throw LogError.damaged("the copy ends at \(transaction.head), \(restoration.parentHead) was restored")
            }
            try transaction.state.pointee.appendOwn(
                .restored(restoration), cause: .none, &transaction.transaction.pointee, transaction.stamp)
            let restored = transaction.head.sequence
            if var halt {
                halt.cause = restored
                if case .refused(let refusal) = try transaction.append(halt) { throw LogError.refused(refusal) }
            }
            let barrier = restoration.verdict == .current ? earlier : restored
            try LogIdentity(id: restoration.id, origin: origin, barrier: barrier)
                .store(&transaction.transaction.pointee, transaction.tables)
            return transaction.head
        }
    }
}

/// A backup's data file, read byte by byte; nothing is written beside it, and LMDB does not open it.
package final class ColdCopy: Sendable {
    package let source: LogFolder
    package let byteCount: Int
    private let file: Int32
    private let claim: FileLock?

    /// Throws where a process has it open: its file would change while it is read.
    package init(_ path: String) throws(LogError) {
        source = try LogFolder(existing: path, writable: false)
        let namespace = source.log + "/namespace"
        claim = access(namespace, F_OK) == 0 ? try FileLock(path: namespace, readOnly: true) : nil
        if let claim, !claim.tryLock() { throw .inUse(path: path) }
        let data = source.log + "/data.mdb"
        file = open(data, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw .notWritten("\(data): \(Errno.text())") }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .notWritten("\(data): \(Errno.text())") }
        byteCount = Int(status.st_size)
    }

    deinit { close(file) }

    /// On disk when this returns. `progress` gets the bytes that are done.
    package func write(into unfinished: UnfinishedLog, progress: (Int) -> Void) throws(LogError) {
        let path = unfinished.folder.log + "/data.mdb"
        let target = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard target >= 0 else { throw .notWritten("\(path): \(Errno.text())") }
        defer { close(target) }
        var buffer = [UInt8](repeating: 0, count: Limits.copyChunkBytes)
        var done = 0
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .notWritten("\(source.log)/data.mdb cannot be read: \(Errno.text())") }
            if count == 0 { break }
            try ColdCopy.write(buffer, count, to: target, path)
            done += count
            progress(done)
        }
        guard done == byteCount else { throw .inUse(path: source.path) }
        try LogFolder.sync(path)
        Failpoint.copyWritten.hit()
    }

    private static func write(_ buffer: [UInt8], _ count: Int, to target: Int32, _ path: String) throws(LogError) {
        var done = 0
        while done < count {
            let written = buffer.withUnsafeBytes { Glibc.write(target, $0.baseAddress! + done, count - done) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw .notWritten("\(path): \(Errno.text())") }
            done += written
        }
    }
}
