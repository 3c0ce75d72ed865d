// Whether a data file that ends before its last page lacks anything. LMDB does not write a page that was made and
// freed in one transaction; where that is the last one, a healthy file is shorter than its last page says. So
// the missing pages are looked up among the free ones. Read with pread: behind the end of a file that was cut
// off, a mapped page would end the process.

internal import CLMDB
internal import Glibc

/// One state of the file, as its meta page has it. The layout is that of LMDB 0.9 on 64-bit machines, data
/// version 1; the corresponding C types are `MDB_meta`, `MDB_db`, `MDB_page` and `MDB_node`.
struct FreePages {
    private static let pageHeaderBytes = 16
    private static let depthMax = 32
    private let file: Int32
    private let pageBytes: Int
    /// Pages that the file holds.
    private let pagesPresent: UInt64

    /// Nil where a writer has come so far meanwhile that the state's meta page is another's: ask again.
    /// - Parameter transaction: keeps its state's pages from being used again while they are read.
    static func holdAllMissing(of environment: OpaquePointer, _ transaction: OpaquePointer) throws -> Bool? {
        var file: Int32 = -1
        try check(mdb_env_get_fd(environment, &file), "mdb_env_get_fd")
        var statistics = MDB_stat()
        try check(mdb_env_stat(environment, &statistics), "mdb_env_stat")
        var status = stat()
        guard fstat(file, &status) == 0 else { throw LMDBError(code: errno, call: "fstat") }
        let pageBytes = Int(statistics.ms_psize)
        let pages = FreePages(
            file: file, pageBytes: pageBytes, pagesPresent: UInt64(Int(status.st_size) / pageBytes))
        do { return try pages.holdAllMissing(at: UInt64(mdb_txn_id(transaction))) } catch is PageMissing {
            return false
        }
    }

    private func holdAllMissing(at number: UInt64) throws -> Bool? {
        let meta = try page(number & 1)
        guard try meta.number(UInt64.self, at: 144) == number else { return nil }
        let last = try meta.number(UInt64.self, at: 136)
        guard last >= pagesPresent else { return true }
        var missing = Set(pagesPresent...last)
        let root = try meta.number(UInt64.self, at: 80)
        if root != UInt64.max { try walk(root, depth: 0) { missing.remove($0) } }
        return missing.isEmpty
    }

    /// Calls `body` with every free page's number.
    private func walk(_ number: UInt64, depth: Int, _ body: (UInt64) -> Void) throws {
        guard depth < FreePages.depthMax else { throw PageMissing() }
        let page = try page(number)
        let flags = try page.number(UInt16.self, at: 10)
        let count = (Int(try page.number(UInt16.self, at: 12)) - FreePages.pageHeaderBytes) / 2
        for place in 0..<max(0, count) {
            let node = Int(try page.number(UInt16.self, at: FreePages.pageHeaderBytes + 2 * place))
            let low = UInt64(try page.number(UInt32.self, at: node))
            let nodeFlags = try page.number(UInt16.self, at: node + 4)
            if flags & 0x01 != 0 {  // a branch: its node's flags are the top of the child's number
                try walk(low | UInt64(nodeFlags) << 32, depth: depth + 1, body)
                continue
            }
            let data = node + 8 + Int(try page.number(UInt16.self, at: node + 6))
            if nodeFlags & 0x01 == 0 {
                try list(page, at: data, body)
            } else {  // the list has pages of its own
                let first = try page.number(UInt64.self, at: data)
                try list(try bytes(of: first, count: FreePages.pageHeaderBytes + Int(low)), at: 16, body)
            }
        }
    }

    /// A count, then so many numbers.
    private func list(_ bytes: [UInt8], at start: Int, _ body: (UInt64) -> Void) throws {
        let count = try bytes.number(UInt64.self, at: start)
        guard count <= UInt64(bytes.count / 8) else { throw PageMissing() }
        for place in 0..<Int(count) { body(try bytes.number(UInt64.self, at: start + 8 * (place + 1))) }
    }

    private func page(_ number: UInt64) throws -> [UInt8] { try bytes(of: number, count: pageBytes) }

    private func bytes(of page: UInt64, count: Int) throws -> [UInt8] {
        guard page < pagesPresent else { throw PageMissing() }
        var bytes = [UInt8](repeating: 0, count: count)
        guard pread(file, &bytes, count, Int(page) * pageBytes) == count else { throw PageMissing() }
        return bytes
    }
}

/// The file is too short, or not what LMDB would write.
private struct PageMissing: Error {}

extension [UInt8] {
    /// As the machine that wrote the file keeps its numbers.
    fileprivate func number<N: FixedWidthInteger>(_: N.Type, at place: Int) throws -> N {
        guard place >= 0, place + MemoryLayout<N>.size <= count else {
            throw PageMissing()
        }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: N.self) }
    }
}
