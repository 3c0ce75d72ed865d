// An entry of Redis as a draft: whatever bytes come, there is a draft, with a key of its own.

import EventLog
import Events
import Programmes
import Records
import Services
import Testing

@testable import RedisBridge

@Suite struct ImportedEntryTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)
    private static let feed = BridgePlan.Import(redis: "feed", stream: StreamName(literal: "feed"))

    private func entry(_ pairs: [(String, String)], _ id: EntryID = EntryID(1, 1)) throws -> ImportedEntry {
        try ImportedEntry(id: id, fields: FieldMap(pairs), from: Self.feed, "redis", at: Self.now)
    }

    @Test func theKeyHoldsSourceStreamIDAndDigest() throws {
        let first = try entry([("a", "1")])
        #expect(first.key.text.hasPrefix("import/redis/feed/1-1/") && first.draft.key == first.key)
        #expect(try entry([("a", "1")]).key == first.key)
        #expect(try entry([("a", "2")]).key != first.key)
        #expect(try entry([("a", "1")], EntryID(1, 2)).key != first.key)
        // Order and duplicates are part of what was said.
        #expect(try entry([("a", "1"), ("b", "2")]).key != entry([("b", "2"), ("a", "1")]).key)
        #expect(try entry([("a", "1"), ("a", "1")]).key != first.key)
    }

    @Test func whateverComesIsADraft() throws {
        var random = SeededGenerator(seed: 7)
        let names = [
            "symbol", "side", "payload", "trace_id", "ts", "status", "reason", "service_id", "trade_id", "price",
        ]
        for stream in StreamCatalogue.entries.map(\.name) {
            let source = BridgePlan.Import(redis: stream.text, stream: stream)
            for _ in 0..<300 {
                let fields = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                    let junk = (0..<Int.random(in: 0...700, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                    let name =
                        Bool.random(using: &random)
                        ? Array(names.randomElement(using: &random)!.utf8) : Array(junk.prefix(300))
                    return FieldMap.Field(name: name, value: Bool.random(using: &random) ? junk : Array("buy".utf8))
                }
                let made = try ImportedEntry(
                    id: EntryID(1, 1), fields: FieldMap(fields), from: source, "redis", at: Self.now)
                _ = try PreparedDraft(made.draft, rules: EventRules.rules)
                let refused = try made.refused(
                    by: .guarded(name: "halt", by: SequenceNumber(7)), from: source, "redis", at: Self.now)
                #expect(refused.key == made.key && refused.kind == EventKind.messageRefused.kind)
            }
        }
    }
}
