// What LMDB answered, with the call that it answered to. Never swallowed: a count of 0 for a broken
// database, or a status read as "end of data", would turn corruption into a short log.

internal import CLMDB
internal import Glibc

/// A status other than success. `code` is LMDB's (negative) or errno's (positive).
package struct LMDBError: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: Int32
    package let call: String

    package init(code: Int32, call: String) {
        self.code = code
        self.call = call
    }

    package var isMapFull: Bool { code == MDB_MAP_FULL }
    package var isReadersFull: Bool { code == MDB_READERS_FULL }
    package var isNoMemory: Bool { code == ENOMEM }
    /// LMDB reports a full disk as EIO ("Input/output error"), never as ENOSPC.
    package var isInputOutput: Bool { code == EIO || code == ENOSPC }
    package var isMissing: Bool { code == ENOENT }
    package var isDenied: Bool { code == EACCES || code == EROFS || code == EPERM }
    /// A page is not what the one before says of it.
    package var isDamage: Bool { code == MDB_PAGE_NOTFOUND || code == MDB_CORRUPTED }
    package var isNotAnEnvironment: Bool { code == MDB_INVALID || code == MDB_VERSION_MISMATCH }

    package var description: String { "\(call): \(String(cString: mdb_strerror(code)))" }
}

/// Throws unless `status` is success.
@inline(__always)
func check(_ status: Int32, _ call: @autoclosure () -> String) throws(LMDBError) {
    guard status == MDB_SUCCESS else { throw LMDBError(code: status, call: call()) }
}

/// False where the key is not there; throws for everything else that is no success.
@inline(__always)
func found(_ status: Int32, _ call: @autoclosure () -> String) throws(LMDBError) -> Bool {
    if status == MDB_SUCCESS { return true }
    if status == MDB_NOTFOUND { return false }
    throw LMDBError(code: status, call: call())
}
