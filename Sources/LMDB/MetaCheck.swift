// Whether the meta page in use is of one commit. LMDB trusts that a disk writes the 120 bytes of a meta page whole or
// not at all, which holds where sectors do. Were they torn, the newest transaction number could stand beside older
// roots: the last commit would be gone in silence, or live pages would count as free and be written over. Nothing
// is written for this check: each commit frees its predecessor's root, and the free list says so.
//
// Read from the file, as LMDB 0.9 lays it out (mdb.c: MDB_page, MDB_meta, MDB_db). It must never refuse a sound file:
// where another process commits in the meantime, it says nothing.

internal import CLMDB
internal import Glibc

extension Environment {
    /// What contradicts itself, or nil. For a file that was just opened.
    package func metaProblem() throws -> String? {
        do { return try contradiction() } catch let error as LMDBError where error.isDamage { return "\(error)" }
    }

    private func contradiction() throws -> String? {
        try read { transaction in
            let pageBytes = try transaction.statistics(ofTable: MetaPage.mainTable).pageBytes
            guard let meta = try MetaPage.inUse(path + "/data.mdb", pageBytes, transaction: transaction.number) else {
                return nil  // somebody has committed since
            }
            let free = try transaction.freeList(holding: meta.mainRoot)
            if free.lastTransaction != meta.transaction, !(free.lastTransaction == 0 && meta.transaction <= 1) {
                return
                    "the free list ends at transaction \(free.lastTransaction), the meta page says \(meta.transaction)"
            }
            if free.holdsPage { return "the tree's root, page \(meta.mainRoot), counts as free" }
            let used = try transaction.pagesOfTables() + MetaPage.count
            guard used + free.pages > meta.lastPage + 1 else { return nil }
            return "\(used) pages in use and \(free.pages) free ones do not fit into \(meta.lastPage + 1)"
        }
    }
}

private struct MetaPage: Equatable {
    static let count = 2
    static let freeTable: UInt32 = 0
    static let mainTable: UInt32 = 1

    let mainRoot: Int
    let lastPage: Int
    let transaction: Int

    private enum Offset {
        /// Behind the page's header, magic, version, address and map size: the free list's MDB_db, then the main one's.
        static let tables = 16 + 24
        static let mainRoot = tables + 48 + 40
        static let lastPage = tables + 96
        static let transaction = tables + 104
        static let end = tables + 112
    }

    private init(_ bytes: UnsafeRawBufferPointer) {
        mainRoot = bytes.loadUnaligned(fromByteOffset: Offset.mainRoot, as: Int.self)
        lastPage = bytes.loadUnaligned(fromByteOffset: Offset.lastPage, as: Int.self)
        transaction = bytes.loadUnaligned(fromByteOffset: Offset.transaction, as: Int.self)
    }

    /// The meta page of that transaction, or nil where it is no longer there.
    static func inUse(_ path: String, _ pageBytes: Int, transaction: Int) throws -> MetaPage? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw EnvironmentError.unreadable(path: path, LMDBError(code: errno, call: "open")) }
        defer { close(file) }
        for place in 0..<count {
            let first = try read(file, path, place * pageBytes)
            guard first.transaction == transaction else { continue }
            // Read twice, since it might just be written.
            return try read(file, path, place * pageBytes) == first ? first : nil
        }
        return nil
    }

    private static func read(_ file: Int32, _ path: String, _ offset: Int) throws -> MetaPage {
        try withUnsafeTemporaryAllocation(byteCount: Offset.end, alignment: 8) { room in
            guard pread(file, room.baseAddress, Offset.end, off_t(offset)) == Offset.end else {
                throw EnvironmentError.unreadable(path: path, LMDBError(code: EIO, call: "pread"))
            }
            return MetaPage(UnsafeRawBufferPointer(room))
        }
    }
}

extension ReadTransaction {
    fileprivate func statistics(ofTable number: UInt32) throws -> (pages: Int, pageBytes: Int) {
        var found = MDB_stat()
        try check(mdb_stat(handle, number, &found), "mdb_stat \(number)")
        return (found.ms_branch_pages + found.ms_leaf_pages + found.ms_overflow_pages, Int(found.ms_psize))
    }

    /// All pages of all trees, the free list's own included.
    fileprivate func pagesOfTables() throws -> Int {
        var pages = try statistics(ofTable: MetaPage.freeTable).pages + statistics(ofTable: MetaPage.mainTable).pages
        let main = TableHandle(number: MetaPage.mainTable, name: "main")
        try withCursor(main) { cursor in
            var isThere = try cursor.first()
            while isThere {
                // An MDB_db: 8 bytes of flags, then branch, leaf and overflow pages.
                guard cursor.value.byteCount == 48 else { throw LMDBError(code: MDB_CORRUPTED, call: "main table") }
                for offset in [8, 16, 24] {
                    pages += cursor.value.unsafeLoadUnaligned(fromByteOffset: offset, as: Int.self)
                }
                isThere = try cursor.next()
            }
        }
        return pages
    }

    /// The free list's last transaction (0: it is empty), how many pages it has, and whether `page` is one.
    fileprivate func freeList(holding page: Int) throws -> (lastTransaction: Int, pages: Int, holdsPage: Bool) {
        let table = TableHandle(number: MetaPage.freeTable, name: "free")
        return try withCursor(table) { cursor in
            var (last, pages, holdsPage) = (0, 0, false)
            var isThere = try cursor.first()
            while isThere {
                // Transaction → count, then as many page numbers.
                let words = cursor.value.byteCount / 8
                guard cursor.key.byteCount == 8, words > 0 else {
                    throw LMDBError(code: MDB_CORRUPTED, call: "free list")
                }
                last = cursor.key.unsafeLoadUnaligned(as: Int.self)
                let count = cursor.value.unsafeLoadUnaligned(as: Int.self)
                guard count >= 0, count < words else { throw LMDBError(code: MDB_CORRUPTED, call: "free list") }
                for place in 0..<count where !holdsPage {
                    holdsPage = cursor.value.unsafeLoadUnaligned(fromByteOffset: (place + 1) * 8, as: Int.self) == page
                }
                pages += count
                isThere = try cursor.next()
            }
            return (last, pages, holdsPage)
        }
    }
}
