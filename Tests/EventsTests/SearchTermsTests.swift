// The names by which a record is found are those that a query shows of it: the table of field numbers beside the
// listing of every kind.

import Records
import Testing

@testable import Events

@Suite struct SearchTermsTests {
    /// Members that a query shows, and what they are found by.
    static let shown: [(String, SearchField)] = [
        ("symbol", .symbol), ("pair_y", .symbol), ("failed_symbols", .symbol), ("client_order_id", .clientOrderID),
        ("order_id", .orderID), ("exchange_order_id", .orderID), ("trade_id", .tradeID),
    ]

    @Test(arguments: EventKind.allCases) func everyNameThatAQueryShowsIsFound(kind: EventKind) throws {
        var events = [SampleEvent.event(kind)]
        if kind == .decision || kind == .tradeIntent || kind == .executionResult { events += paired(kind) }
        for event in events {
            let body = Body(fields: FieldMap([("symbol", "not this one, unless untyped")]), typed: event.typed)
            try compare(kind, body)
        }
    }

    private func paired(_ kind: EventKind) -> [Event] { SampleEvent.paired.filter { $0.kind == kind } }

    @Test func fieldsOfAnUntypedRecordAreFound() throws {
        let fields = FieldMap([
            ("symbol", "BTCUSDT"), ("other", "x"), ("order_id", "17"), ("client_order_id", "c"), ("trade_id", "t"),
        ])
        try compare(.untyped, Body(fields: fields, typed: []))
    }

    @Test func aBodyThatCannotBeReadHasNoNamesAndNoCrash() throws {
        for length in 0..<60 {
            let body = [UInt8]((0..<length).map { _ in .random(in: 0...255) })
            for kind in EventKind.allCases {
                let bytes = recordBytes(kind, body)
                _ = SearchTerms.has(.symbol, [0x41], in: try RecordView(checking: bytes.span.bytes))
            }
        }
    }

    @Test func symbolsAreComparedInCapitalsAndOthersAsTheyAre() throws {
        let body = Body(fields: FieldMap([("symbol", "btcUSDT"), ("order_id", "aB")]), typed: []).bytes
        let bytes = recordBytes(.untyped, body)
        let view = try RecordView(checking: bytes.span.bytes)
        let asked: [(SearchField, String, Bool)] = [
            (.symbol, "BtcUsdt", true), (.symbol, "BTCUSD", false), (.orderID, "aB", true), (.orderID, "ab", false),
        ]
        for (field, text, expected) in asked {
            let isThere = SearchTerms.has(field, Array(text.utf8), in: view)
            #expect(isThere == expected, "\(field) \(text)")
        }
        #expect(SearchTerm(.symbol, Array("btcusdt".utf8)) == SearchTerm(.symbol, Array("BTCUSDT".utf8)))
        #expect(SearchTerm(.orderID, Array("a".utf8)) != SearchTerm(.tradeID, Array("a".utf8)))
    }

    /// Their bytes are on disk.
    @Test func theHashOfATermStaysWhatItIs() {
        #expect(SearchTerm(.trace, Array("BTCUSDT_2026-01-17T06:27:49.791495".utf8)).hash == 15_450_685_842_155_250_831)
        #expect(SearchTerm.cause(SequenceNumber(7)).hash == 14_129_384_595_535_521_036)
    }

    // MARK: Parts

    private func compare(_ kind: EventKind, _ body: Body) throws {
        let bytes = recordBytes(kind, body.bytes)
        let view = try RecordView(checking: bytes.span.bytes)
        var found: Set<Name> = []
        SearchTerms.each(of: view) { field, text in
            found.insert(Name(field: field, text: String(decoding: text, as: UTF8.self)))
        }
        let data = try EventRecord.json(of: try view.record())
        var expected: Set<Name> = []
        for (member, field) in SearchTermsTests.shown {
            switch data[member] {
            case .string(let text)?: expected.insert(Name(field: field, text: text))
            case .array(let items)?:
                for case .string(let text) in items { expected.insert(Name(field: field, text: text)) }
            default: break
            }
        }
        #expect(found == expected, "\(kind.name)")
    }

    private struct Name: Hashable {
        let field: SearchField
        let text: String
    }

    private func recordBytes(_ kind: EventKind, _ body: [UInt8]) -> [UInt8] {
        let header = Header(
            kind: kind.kind, flags: 0, sequence: SequenceNumber(1), session: SequenceNumber(1),
            recordedAt: SampleEvent.recordedAt, monotonicAt: BootInstant(nanoseconds: 1), cause: .none, basis: .none,
            stream: StreamNumber(1), entryID: EntryID(1, 0), keyLength: 0, traceLength: 0, producerLength: 0,
            bodyLength: body.count, content: .zero, hash: .zero)
        return header.encodedWithoutHash() + Digest.zero.bytes + body
    }
}
