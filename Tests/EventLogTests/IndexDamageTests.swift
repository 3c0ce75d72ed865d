// Rows of the index that say something else than the records: `verify` names the stream.

import Foundation
import Testing

import EventLog
import LMDB
import Records

@Suite struct IndexDamageTests {
    /// The number of a block's first entry stands in front; lag and pending runs are counted by it.
    @Test func aBlockThatBeginsAtAnotherOrdinalIsFound() throws {
        let path = temporaryFolder() + "/log"
        _ = try EventLog.create(at: path, options: testOptions())
        var log = try EventLog(at: path, mode: .writing, rules: testRules, options: testOptions())
        for number in 0..<5 { _ = try log.append([draft("\(number)")]) }
        log.close()
        try withBlocks(path) { environment, blocks in
            let (key, row) = try environment.read { transaction in
                try transaction.withCursor(blocks) { cursor in
                    let isThere = try cursor.first()
                    try #require(isThere)
                    return (cursor.key.array(0..<cursor.key.byteCount), cursor.value.array(0..<cursor.value.byteCount))
                }
            }
            var changed = row
            changed[0] ^= 64
            try environment.write { try $0.put(blocks, key, changed) }
        }
        log = try EventLog(at: path, mode: .reading, rules: testRules, options: testOptions())
        let problems = try log.verify(known: nil) { _ in }.findings.map(\.problem)
        #expect(problems == ["stream test:stream: its index does not number its entries one after the other"])
        log.close()
    }

    private func withBlocks(_ path: String, _ body: (Environment, TableHandle) throws -> Void) throws {
        let options = EnvironmentOptions(mapBytes: 1 << 30, readersMax: 16, tablesMax: 32, readOnly: false)
        let environment = try Environment(at: path + "/log", options: options)
        defer { environment.close() }
        try body(environment, try #require(try environment.openTables(["blocks"])[0]))
    }
}
