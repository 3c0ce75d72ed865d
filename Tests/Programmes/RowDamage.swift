// One damage of a log's rows, chosen by chance, and what `verify` must say of it.

import Foundation
import LMDB
import Records

/// What must be found.
struct ExpectedFinding {
    /// Of the damage, for people.
    let text: String
    /// The first bad sequence; nil: no record is bad, or none of its own.
    let sequence: UInt64?
    /// A head that was kept elsewhere; without it nothing could be seen.
    var known: Head?
}

enum RowDamage: CaseIterable {
    case flip, bytes, remove, insert, `repeat`, swap, move, shift, forge, extend, cutOff, rewrite
    case tableFlip, tableRemove, tableInsert, tableSwap

    /// Changes the log's file; nil where chance found nothing to change.
    func apply(_ log: DamagedLog, _ random: inout SeededGenerator) throws -> ExpectedFinding? {
        switch self {
        case .cutOff:
            try WorkFolder.put(log.older, into: log.folder)
            let first = log.olderHead.sequence.rawValue + 1
            return ExpectedFinding(text: "the file as it was before \(first)", sequence: first, known: log.head)
        case .tableFlip, .tableRemove, .tableInsert, .tableSwap:
            return try log.change { transaction, table in
                let name = DamagedLog.derived[random.below(DamagedLog.derived.count)]
                return try damageTable(try table(name), &transaction, &random)
            }
        case .forge, .rewrite, .extend:
            return try log.change { transaction, table in
                let rows = RecordRows(table: try table("records"), count: log.head.sequence.rawValue)
                return try forge(1 + UInt64(random.below(Int(rows.count))), rows, &transaction, log)
            }
        case .flip, .bytes, .remove, .insert, .repeat, .swap, .move, .shift:
            return try log.change { transaction, table in
                let rows = RecordRows(table: try table("records"), count: log.head.sequence.rawValue)
                return try damageRecords(rows, &transaction, &random)
            }
        }
    }

    // MARK: Records

    private func damageRecords(
        _ rows: RecordRows, _ transaction: inout WriteTransaction, _ random: inout SeededGenerator
    ) throws -> ExpectedFinding? {
        let one = 1 + UInt64(random.below(Int(rows.count)))
        var row = try rows.get(one, transaction)
        switch self {
        case .flip:
            let bit = random.below(row.count * 8)
            row[bit / 8] ^= 1 << (bit % 8)
            try rows.put(one, row, &transaction)
            return ExpectedFinding(text: "bit \(bit) of record \(one)", sequence: one)
        case .bytes:
            let length = random.below(row.count + 40)
            try rows.put(one, (0..<length).map { _ in UInt8(random.below(256)) }, &transaction)
            return ExpectedFinding(text: "record \(one) is \(length) bytes of chance", sequence: one)
        case .remove:
            try rows.remove(one, &transaction)
            // Of the last one nothing is left in the chain; tables that still know of it do not match.
            return ExpectedFinding(text: "record \(one) removed", sequence: one == rows.count ? nil : one)
        case .insert: return try insert(row, rows, &transaction, &random)
        case .repeat:
            try rows.put(rows.count + 1, row, &transaction)
            return ExpectedFinding(text: "record \(one) once more at the end", sequence: rows.count + 1)
        case .swap: return try swap(one, rows, &transaction, &random)
        case .move:
            guard one < rows.count else { return nil }
            try rows.remove(one, &transaction)
            try rows.put(rows.count + 1, RecordRows.renumbered(row, rows.count + 1), &transaction)
            return ExpectedFinding(text: "record \(one) moved to the end", sequence: one)
        case .shift:
            for place in stride(from: rows.count, through: one, by: -1) {
                let moved = RecordRows.renumbered(try rows.get(place, transaction), place + 1)
                try rows.put(place + 1, moved, &transaction)
            }
            return ExpectedFinding(text: "record \(one) twice, the rest moved on", sequence: one + 1)
        case .forge, .rewrite, .extend, .cutOff, .tableFlip, .tableRemove, .tableInsert, .tableSwap: return nil
        }
    }

    private func swap(
        _ one: UInt64, _ rows: RecordRows, _ transaction: inout WriteTransaction, _ random: inout SeededGenerator
    ) throws -> ExpectedFinding? {
        let other = 1 + UInt64(random.below(Int(rows.count)))
        let (low, high) = (min(one, other), max(one, other))
        guard low < high else { return nil }
        let (first, second) = (try rows.get(low, transaction), try rows.get(high, transaction))
        let isFitted = random.below(2) == 0
        try rows.put(low, isFitted ? RecordRows.renumbered(second, low) : second, &transaction)
        try rows.put(high, isFitted ? RecordRows.renumbered(first, high) : first, &transaction)
        return ExpectedFinding(
            text: "records \(low) and \(high) swapped\(isFitted ? ", renumbered" : "")", sequence: low)
    }

    /// A row that no number leads to.
    private func insert(
        _ row: [UInt8], _ rows: RecordRows, _ transaction: inout WriteTransaction, _ random: inout SeededGenerator
    ) throws -> ExpectedFinding {
        var key = withUnsafeBytes(of: (1 + UInt64(random.below(Int(rows.count)))).bigEndian) { Array($0) }
        switch random.below(3) {
        case 0: key = [UInt8](repeating: 0, count: 8)
        case 1: key.append(0)
        default: key = Array(key.prefix(1 + random.below(7)))
        }
        try transaction.put(rows.table, key, row)
        return ExpectedFinding(text: "a row under \(Hex.encode(key))", sequence: nil)
    }

    /// By somebody who knows how hashes are made. Where only one record's is made again, the next one shows it; where all
    /// that follow are, only a head that was kept elsewhere does.
    private func forge(
        _ first: UInt64, _ rows: RecordRows, _ transaction: inout WriteTransaction, _ log: DamagedLog
    ) throws -> ExpectedFinding? {
        var row = try rows.get(first, transaction)
        if self == .extend {
            guard try RecordView(checking: row.span.bytes).keyLength > 0 else { return nil }
            let next = try RecordRows.rehashed(RecordRows.renumbered(row, rows.count + 1), after: log.head.hash)
            try rows.put(rows.count + 1, next, &transaction)
            return ExpectedFinding(text: "record \(first) forged at the end", sequence: rows.count + 1)
        }
        // What it says must stay: the boot clock is under the hash alone.
        row[Header.Offset.monotonicAt] ^= 1
        var hash = first == 1 ? log.genesis : RecordRows.hash(try rows.get(first - 1, transaction))
        let last = self == .forge ? first : rows.count
        for place in first...last {
            let next = place == first ? row : try rows.get(place, transaction)
            let forged = try RecordRows.rehashed(next, after: hash)
            try rows.put(place, forged, &transaction)
            hash = RecordRows.hash(forged)
        }
        if last == rows.count {
            return ExpectedFinding(text: "rewritten from \(first) on", sequence: rows.count, known: log.head)
        }
        return ExpectedFinding(text: "record \(first) forged, its hash made again", sequence: first + 1)
    }

    // MARK: Tables

    private func damageTable(
        _ table: TableHandle, _ transaction: inout WriteTransaction, _ random: inout SeededGenerator
    ) throws -> ExpectedFinding? {
        let rows = try TableRow.all(table, transaction)
        guard !rows.isEmpty else { return nil }
        let one = rows[random.below(rows.count)]
        let name = "\(table.name) \(Hex.encode(one.key))"
        switch self {
        case .tableFlip:
            guard !one.value.isEmpty else { return nil }
            var value = one.value
            let bit = random.below(value.count * 8)
            value[bit / 8] ^= 1 << (bit % 8)
            try transaction.put(table, one.key, value)
            return ExpectedFinding(text: "bit \(bit) of \(name)", sequence: nil)
        case .tableRemove:
            try transaction.delete(table, one.key)
            return ExpectedFinding(text: "\(name) removed", sequence: nil)
        case .tableInsert:
            var key = one.key
            key[key.count - 1] &+= UInt8(1 + random.below(255))
            guard !rows.contains(where: { $0.key == key }) else { return nil }
            try transaction.put(table, key, one.value)
            return ExpectedFinding(text: "a row \(table.name) \(Hex.encode(key)) added", sequence: nil)
        case .tableSwap:
            let other = rows[random.below(rows.count)]
            guard other.value != one.value else { return nil }
            try transaction.put(table, one.key, other.value)
            try transaction.put(table, other.key, one.value)
            return ExpectedFinding(text: "\(name) and \(Hex.encode(other.key)) swapped", sequence: nil)
        case .flip, .bytes, .remove, .insert, .repeat, .swap, .move, .shift, .forge, .extend, .cutOff, .rewrite:
            return nil
        }
    }
}
