// Rows of groups are covered by no chain: a changed, a moved and a vanished one is found by `verify`, and a
// changed one is never served.

import Foundation
import Testing

import EventLog
import LMDB
import Records

@Suite struct SealTests {
    private static let tables = ["groups", "consumers", "pending", "dead_letters"]

    /// A log with a row in each table, closed.
    private func withClosedLog(_ body: (String) throws -> Void) throws {
        let path = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = path + "/log"
        _ = try EventLog.create(at: folder, options: testOptions())
        let log = try EventLog(at: folder, mode: .writing, rules: testRules, options: testOptions())
        let answers = try log.append((0..<5).map { draft("entry \($0)") })
        let ids = answers.compactMap { if case .appended(let place) = $0 { place.entryID } else { nil } }
        try log.transact(.group) {
            for group in ["a", "b"] {
                try $0.createGroup(testStream, group, after: .zero)
                _ = try $0.readNew(testStream, group, consumer: "c", count: 4)
                _ = try $0.bury(testStream, group, [ids[1]], reason: "r")
            }
        }
        log.close()
        try body(folder)
    }

    private func change(
        _ folder: String, _ table: String,
        _ body: (inout WriteTransaction, TableHandle, [UInt8], [UInt8]) throws -> Void
    ) throws {
        let options = EnvironmentOptions(mapBytes: 1 << 30, readersMax: 8, tablesMax: 32, readOnly: false)
        let environment = try Environment(at: folder + "/log", options: options)
        defer { environment.close() }
        let handle = try #require(try environment.openTables([table]).first ?? nil)
        try environment.write { transaction in
            let (key, value) = try transaction.withCursor(handle) { cursor in
                let isThere = try cursor.first()
                #expect(isThere)
                return (cursor.key.array(), cursor.value.array())
            }
            try body(&transaction, handle, key, value)
        }
    }

    private func findings(_ folder: String) throws -> [String] {
        let log = try EventLog(at: folder, mode: .reading, rules: testRules, options: testOptions())
        defer { log.close() }
        return try log.verify(known: nil, progress: { _ in }).findings.map(\.problem)
    }

    @Test func anUntouchedLogIsClean() throws {
        try withClosedLog { folder in
            let found = try findings(folder)
            #expect(found == [])
        }
    }

    @Test(arguments: tables)
    func aChangedByteIsFoundAndNeverServed(table: String) throws {
        for place in [0, 3, 8] {
            try withClosedLog { folder in
                try change(folder, table) { transaction, handle, key, value in
                    var changed = value
                    changed[value.count - 1 - place] ^= 0x40
                    try transaction.put(handle, key, changed)
                }
                let found = try findings(folder)
                #expect(found.contains { $0.contains("does not have its checksum") }, "\(found)")
                let log = try EventLog(at: folder, mode: .reading, rules: testRules, options: testOptions())
                defer { log.close() }
                if table != "dead_letters" {
                    #expect(throws: LogError.self) { _ = try log.snapshot { try $0.groups().count } }
                }
            }
        }
    }

    @Test(arguments: tables)
    func aRowThatVanishedIsMissed(table: String) throws {
        try withClosedLog { folder in
            try change(folder, table) { transaction, handle, key, _ in try transaction.delete(handle, key) }
            let found = try findings(folder)
            #expect(!found.isEmpty)
        }
    }

    @Test(arguments: tables)
    func aRowThatStandsUnderAnothersKeyIsNoRow(table: String) throws {
        try withClosedLog { folder in
            try change(folder, table) { transaction, handle, key, value in
                var other = key
                other[other.count - 1] ^= 1
                try transaction.delete(handle, key)
                try transaction.put(handle, other, value)
            }
            let found = try findings(folder)
            #expect(!found.isEmpty)
        }
    }
}
