// A small log with something in every table, whose rows somebody changes by LMDB's own tools. The file itself stays whole,
// so nothing can crash over it, and the first bad sequence is known.

import EventLog
import Foundation
import LMDB
import Records

struct DamagedLog {
    let folder: String
    /// The data file before any damage, and as it was after its first half.
    let pristine: [UInt8]
    let older: [UInt8]
    let head: Head
    let olderHead: Head
    /// Before the first record.
    let genesis: Digest

    private static let drafts = 90

    init(_ folder: String, seed: UInt64) throws {
        self.folder = folder
        _ = try EventLog.create(at: folder, options: DamagedLog.options)
        var log = try DamagedLog.open(folder, .writing)
        try DamagedLog.append(1...DamagedLog.drafts / 2, to: log, seed: seed)
        (olderHead, genesis) = (try log.head(), log.identity.genesis)
        log.close()
        older = try WorkFolder.read(folder + "/log/data.mdb")
        log = try DamagedLog.open(folder, .writing)
        try DamagedLog.append(DamagedLog.drafts / 2 + 1...DamagedLog.drafts, to: log, seed: seed)
        for number in 1...6 {  // other content under a key that has its record
            var other = DamagedLog.draft(number, seed: seed)
            other.body = Body(fields: FieldMap([("number", "\(number)")]), typed: Array("something else".utf8))
            _ = try log.append([other])
        }
        try RotLog.useGroups(log)
        head = try log.head()
        log.close()
        pristine = try WorkFolder.read(folder + "/log/data.mdb")
    }

    private static var options: LogOptions {
        var options = SoakLog.options
        options.reserveBytes = 0
        return options
    }

    static func open(_ folder: String, _ mode: AccessMode) throws -> EventLog {
        try EventLog(at: folder, mode: mode, rules: SoakLog.rules, options: options)
    }

    private static func append(_ numbers: ClosedRange<Int>, to log: EventLog, seed: UInt64) throws {
        for number in numbers {
            guard case .appended = try log.append([draft(number, seed: seed)])[0] else {
                throw Trouble("draft \(number) was not appended")
            }
        }
    }

    /// Short, and a few on pages of their own.
    private static func draft(_ number: Int, seed: UInt64) -> Draft {
        var draft = SoakLog.draft(number, seed: seed)
        if number.isMultiple(of: 30) { return draft }
        draft.body = Body(
            fields: FieldMap([("number", "\(number)")]), typed: Array("\(number) \(seed % 1_000)".utf8))
        return draft
    }

    /// Undoes every damage.
    func mend() throws { try WorkFolder.put(pristine, into: folder) }

    /// Changes rows of the file.
    func change<R>(_ body: (inout WriteTransaction, (String) throws -> TableHandle) throws -> R) throws -> R {
        let environment = try Environment(
            at: folder + "/log",
            options: EnvironmentOptions(mapBytes: 1 << 30, readersMax: 16, tablesMax: 32, readOnly: false))
        defer { environment.close() }
        let names = DamagedLog.tables
        let opened = try environment.openTables(names)
        return try environment.write { transaction in
            try body(&transaction) { name in
                guard let place = names.firstIndex(of: name), let table = opened[place] else {
                    throw Trouble("no table \(name)")
                }
                return table
            }
        }
    }

    /// All that are not the records.
    static let derived = [
        "meta", "stream_names", "streams", "blocks", "keys", "conflicts", "guards", "groups", "consumers", "pending",
        "hidden", "dead_letters",
    ]
    private static let tables = ["records"] + derived
}

/// One row of a table.
struct TableRow {
    let key: [UInt8]
    let value: [UInt8]

    static func all(_ table: TableHandle, _ transaction: borrowing WriteTransaction) throws -> [TableRow] {
        try transaction.withCursor(table) { cursor in
            var found: [TableRow] = []
            var isThere = try cursor.first()
            while isThere {
                found.append(TableRow(key: cursor.key.array(), value: cursor.value.array()))
                isThere = try cursor.next()
            }
            return found
        }
    }
}

/// The records' rows, by number.
struct RecordRows {
    let table: TableHandle
    let count: UInt64

    func get(_ sequence: UInt64, _ transaction: borrowing WriteTransaction) throws -> [UInt8] {
        guard let row = try transaction.get(table, sequence)?.array() else { throw Trouble("no record \(sequence)") }
        return row
    }

    func put(_ sequence: UInt64, _ row: [UInt8], _ transaction: inout WriteTransaction) throws {
        try transaction.put(table, sequence, row)
    }

    func remove(_ sequence: UInt64, _ transaction: inout WriteTransaction) throws {
        try transaction.delete(table, sequence)
    }

    static func hash(_ row: [UInt8]) -> Digest { Digest(row.span.bytes, at: Header.Offset.hash) }

    /// The row as it would stand at another place.
    static func renumbered(_ row: [UInt8], _ sequence: UInt64) -> [UInt8] {
        var row = row
        withUnsafeBytes(of: sequence.littleEndian) { bytes in
            for (place, byte) in bytes.enumerated() { row[Header.Offset.sequence + place] = byte }
        }
        return row
    }

    /// The row with the hash that it has to have behind `previous`.
    static func rehashed(_ row: [UInt8], after previous: Digest) throws -> [UInt8] {
        let hash = Chain.expected(try RecordView(checking: row.span.bytes), previous: previous)
        return Array(row[..<Header.Offset.hash]) + hash.bytes + Array(row[Header.byteCount...])
    }
}

extension SeededGenerator {
    /// 0 up to `bound`, without it.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
