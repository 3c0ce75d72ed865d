// LMDB behind our doors: closures commit or abort, cursors walk in order, hazards are refused.

import Foundation
import Testing

import LMDB

@Suite struct EnvironmentTests {
    private func folder() throws -> String {
        let path = FileManager.default.temporaryDirectory.path + "/lmdb-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func opened(_ path: String, readOnly: Bool = false, readers: UInt32 = 16) throws -> Environment {
        try Environment(
            at: path,
            options: EnvironmentOptions(mapBytes: 1 << 30, readersMax: readers, tablesMax: 4, readOnly: readOnly))
    }

    private func with(_ body: (Environment, TableHandle) throws -> Void) throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let environment = try opened(path)
        defer { environment.close() }
        try body(environment, try #require(try environment.openTables(["t"])[0]))
    }

    @Test func aThrowAbortsAndNothingIsWritten() throws {
        struct Stop: Error {}
        try with { environment, table in
            #expect(throws: Stop.self) {
                try environment.write { transaction in
                    try transaction.put(table, "a", [1])
                    throw Stop()
                }
            }
            let count = try environment.read { try $0.count(table) }
            #expect(count == 0)
            try environment.write { try $0.put(table, "a", [2]) }
            let value = try environment.read { try $0.get(table, "a")?.byteCount }
            #expect(value == 1)
        }
    }

    @Test func aReaderKeepsItsSnapshotWhileAWriterGoesOn() throws {
        try with { environment, table in
            try environment.write { try $0.put(table, "a", [1]) }
            try environment.read { transaction in
                let thread = DispatchSemaphore(value: 0)
                Thread.detachNewThread {
                    try! environment.write { try $0.put(table, "b", [1]) }
                    thread.signal()
                }
                thread.wait()
                let count = try transaction.count(table)
                #expect(count == 1)
            }
            let after = try environment.read { try $0.count(table) }
            #expect(after == 2)
        }
    }

    @Test func cursorsWalkBothWaysAndSeekBetweenKeys() throws {
        try with { environment, table in
            try environment.write { transaction in
                for key: UInt64 in [10, 20, 30] { try transaction.put(table, key, [UInt8(key)]) }
            }
            func seek(_ key: UInt64, back: Bool) throws -> UInt8? {
                try environment.read { transaction in
                    try transaction.withCursor(table) { cursor in
                        let isThere = back ? try cursor.seekBack(key) : try cursor.seek(key)
                        return isThere ? cursor.value.unsafeLoad(as: UInt8.self) : nil
                    }
                }
            }
            let forward = try [5, 10, 11, 30, 31].map { try seek($0, back: false) }
            #expect(forward == [10, 10, 20, 30, nil])
            let backward = try [5, 10, 11, 30, 31].map { try seek($0, back: true) }
            #expect(backward == [nil, 10, 10, 30, 30])
        }
    }

    @Test func appendingOutOfOrderIsRefused() throws {
        try with { environment, table in
            try environment.write { try $0.put(table, UInt64(2), [1], .append) }
            #expect(throws: LMDBError.self) { try environment.write { try $0.put(table, UInt64(1), [1], .append) } }
        }
    }

    @Test func reservedRoomIsWrittenInPlace() throws {
        try with { environment, table in
            try environment.write { transaction in
                try transaction.reserve(table, "k", count: 5_000, .overwrite) {
                    $0.copyBytes(from: [UInt8](repeating: 7, count: 5_000))
                }
            }
            let sum = try environment.read { transaction in
                try transaction.get(table, "k")?.withUnsafeBytes { $0.reduce(0) { $0 + Int($1) } }
            }
            #expect(sum == 35_000)
        }
    }

    @Test func onePathIsOpenOnce() throws {
        let path = try folder()
        let first = try opened(path)
        #expect(throws: EnvironmentError.alreadyOpen(path: path)) { _ = try opened(path) }
        first.close()
        first.close()
        try opened(path).close()
    }

    /// LMDB does not write a page that was made and freed in one transaction. Where it is the last one, the file
    /// is shorter than its last page says, and nothing is wrong with it.
    @Test func aFileWhoseLastPagesAreFreeIsNotCutOff() throws {
        let path = try folder()
        defer { try? FileManager.default.removeItem(atPath: path) }  // what cannot be removed harms no test
        let environment = try opened(path)
        let table = try #require(try environment.openTables(["t"])[0])
        var random = LinearGenerator(state: 35)
        func isShort() throws -> Bool {
            let size = try FileManager.default.attributesOfItem(atPath: path + "/data.mdb")[.size] as? Int ?? 0
            return size < environment.info().usedBytes
        }
        var (rounds, row) = (0, [UInt8](repeating: 1, count: 300))
        while try !isShort(), rounds < 2_000 {
            rounds += 1
            let (first, count) = (random.next() % 120, random.next() % 30)
            let deleted = random.next() % 3 == 0 ? count / 2 : count
            row[0] = UInt8(rounds % 256)
            try environment.write { transaction in
                for key in first..<first + count { try transaction.put(table, String(format: "%010d", key), row) }
                for key in first..<first + deleted { try transaction.delete(table, String(format: "%010d", key)) }
            }
        }
        #expect(try isShort(), "no page was made and freed at the end of the file")
        environment.close()
        let again = try opened(path)
        again.close()
        // Where pages are missing that are in use, it is cut off.
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path + "/data.mdb"))
        try file.truncate(atOffset: 12_288)
        try file.close()
        #expect(throws: EnvironmentError.self) { _ = try opened(path) }
    }

    @Test func aTruncatedFileIsRefusedBeforeItIsRead() throws {
        let path = try folder()
        let environment = try opened(path)
        let table = try #require(try environment.openTables(["t"])[0])
        try environment.write { transaction in
            for key in 0..<1_000 as Range<UInt64> { try transaction.put(table, key, [UInt8](repeating: 1, count: 100)) }
        }
        environment.close()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path + "/data.mdb"))
        try file.truncate(atOffset: 16_384)
        try file.close()
        #expect(throws: EnvironmentError.self) { _ = try opened(path) }
    }

    @Test func aFileThatIsNoEnvironmentIsAnErrorNotAnEmptyTable() throws {
        let path = try folder()
        try Data(repeating: 0x41, count: 65_536).write(to: URL(fileURLWithPath: path + "/data.mdb"))
        #expect(throws: EnvironmentError.self) { _ = try opened(path) }
    }

    @Test func aReadOnlyEnvironmentHasNoTableThatWasNeverMade() throws {
        let path = try folder()
        let writer = try opened(path)
        _ = try writer.openTables(["t"])
        writer.close()
        let reader = try opened(path, readOnly: true)
        let tables = try reader.openTables(["t", "never"])
        #expect(tables[0] != nil && tables[1] == nil)
        reader.close()
    }

    @Test func aHotCopyHoldsWhatWasCommitted() throws {
        let copy = try folder()
        try with { environment, table in
            try environment.write { try $0.put(table, "a", [1]) }
            try environment.copy(to: copy, compact: true)
            try environment.write { try $0.put(table, "b", [1]) }
        }
        let opened = try opened(copy, readOnly: true)
        let table = try #require(try opened.openTables(["t"])[0])
        let count = try opened.read { try $0.count(table) }
        #expect(count == 1)
        opened.close()
    }

    @Test func manyReadersAreServedFromFewSlots() throws {
        let path = try folder()
        let environment = try opened(path, readers: 4)
        let table = try #require(try environment.openTables(["t"])[0])
        for _ in 0..<100 { _ = try environment.read { try $0.count(table) } }
        #expect(environment.info().readersInUse <= 4)
        environment.close()
    }
}

/// With this state and these numbers a short file comes soon.
private struct LinearGenerator {
    var state: UInt64

    mutating func next() -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33)
    }
}
