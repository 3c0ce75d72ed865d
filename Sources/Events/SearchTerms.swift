// What a record can be found by, beside its place and its time: a few names in it, each as a field and a text.
// One table for whoever builds an index and whoever compares a record with a question, so that the two cannot
// differ. A change of what a record gives is a new version of the index.
// It reads a body straight from its bytes, without decoding a message. A body that cannot be read has no names
// here; `verify` finds it.

package import Records

package enum SearchField: UInt8, CaseIterable, Sendable {
    case trace = 1
    case producer = 2
    /// In any letters: symbols are compared in capitals.
    case symbol = 3
    case clientOrderID = 4
    case orderID = 5
    case tradeID = 6
    // Numbers of the header.
    case kind = 16
    case stream = 17
    case cause = 18
}

package enum SearchTerms {
    /// Raised when a record gives other names than before.
    package static let version: UInt32 = 1

    /// Calls `body` with each name that the record holds; one may come twice.
    package static func each(
        of record: borrowing RecordView, _ body: (SearchField, UnsafeRawBufferPointer) -> Void
    ) {
        give(record.bytes, record.traceRange, .trace, body)
        give(record.bytes, record.producerRange, .producer, body)
        guard let kind = EventKind(record.kind) else { return }
        do {
            if kind == .untyped {
                try eachField(record, body)
            } else if let places = typedPlaces[Int(kind.rawValue)] {
                try eachPlace(try record.typed, places, body)
            }
        } catch { return }  // a body that cannot be read has no names
    }

    /// Whether one of the record's names is this one.
    package static func has(_ field: SearchField, _ text: [UInt8], in record: borrowing RecordView) -> Bool {
        var isThere = false
        each(of: record) { found, bytes in
            if found == field, !isThere { isThere = isEqual(field, bytes, text) }
        }
        return isThere
    }

    private static func isEqual(_ field: SearchField, _ bytes: UnsafeRawBufferPointer, _ text: [UInt8]) -> Bool {
        guard field == .symbol else { return bytes.elementsEqual(text) }
        return bytes.count == text.count
            && zip(bytes, text).allSatisfy { SearchTerm.capital($0) == SearchTerm.capital($1) }
    }

    private static func give(
        _ bytes: RawSpan, _ range: Range<Int>, _ field: SearchField,
        _ body: (SearchField, UnsafeRawBufferPointer) -> Void
    ) {
        guard !range.isEmpty else { return }
        bytes.extracting(range).withUnsafeBytes { body(field, $0) }
    }

    // MARK: Typed messages

    private struct Place {
        let number: Int
        let field: SearchField
        /// The number inside the message that stands there.
        var inner: Int?
    }

    /// Field numbers of schemas/*.proto, by kind. SearchTermsTests compares them with what a query shows.
    private static let typedPlaces: [[Place]?] = {
        let pairSymbol = 1
        let table: [EventKind: [Place]] = [
            .decision: [Place(number: 1, field: .symbol), Place(number: 17, field: .symbol, inner: pairSymbol)],
            .decisionRefused: [Place(number: 4, field: .symbol)],
            .tradeIntent: [Place(number: 2, field: .symbol), Place(number: 20, field: .symbol, inner: pairSymbol)],
            .executionResult: [
                Place(number: 2, field: .symbol), Place(number: 6, field: .orderID),
                Place(number: 11, field: .symbol, inner: pairSymbol),
            ],
            .orderRequested: [Place(number: 5, field: .symbol), Place(number: 11, field: .clientOrderID)],
            .orderOutcome: [
                Place(number: 2, field: .symbol), Place(number: 3, field: .clientOrderID),
                Place(number: 5, field: .orderID),
            ],
            .fill: [
                Place(number: 3, field: .symbol), Place(number: 4, field: .tradeID), Place(number: 5, field: .orderID),
                Place(number: 6, field: .clientOrderID),
            ],
            .fillDetail: [Place(number: 3, field: .symbol), Place(number: 4, field: .tradeID)],
            .positionAttested: [Place(number: 3, field: .symbol)],
            .panicCompleted: [Place(number: 6, field: .symbol)], .resume: [Place(number: 4, field: .symbol)],
        ]
        var places = [[Place]?](repeating: nil, count: Int(EventKind.allCases.map(\.rawValue).max() ?? 0) + 1)
        for (kind, list) in table { places[Int(kind.rawValue)] = list }
        return places
    }()

    private static func eachPlace(
        _ message: RawSpan, _ places: [Place], _ body: (SearchField, UnsafeRawBufferPointer) -> Void
    ) throws(RecordError) {
        var reader = WireReader(message)
        while let found = try reader.next() {
            guard let range = found.bytes, let place = places.first(where: { $0.number == found.number }) else {
                continue
            }
            if let inner = place.inner {
                try eachPlace(message.extracting(range), [Place(number: inner, field: place.field)], body)
            } else {
                give(message, range, place.field, body)
            }
        }
    }

    // MARK: Verbatim fields

    private static let fieldNames: [(name: [UInt8], field: SearchField)] = [
        ("symbol", SearchField.symbol), ("client_order_id", .clientOrderID), ("order_id", .orderID),
        ("exchange_order_id", .orderID), ("trade_id", .tradeID),
    ].map { (Array($0.0.utf8), $0.1) }

    private static func eachField(
        _ record: borrowing RecordView, _ body: (SearchField, UnsafeRawBufferPointer) -> Void
    ) throws(RecordError) {
        let bytes = record.body
        let fields = bytes.extracting(try Body.parts(bytes).fields)
        var reader = ByteReader(fields)
        for _ in 0..<(try reader.count(max: Limits.fieldsPerMessageMax)) {
            let name = try range(&reader, max: Limits.fieldNameBytesMax)
            let value = try range(&reader, max: Limits.fieldValueBytesMax)
            guard let known = fieldNames.first(where: { isName($0.name, fields, name) }) else { continue }
            give(fields, value, known.field, body)
        }
    }

    @_lifetime(reader: copy reader)
    private static func range(_ reader: inout ByteReader, max: Int) throws(RecordError) -> Range<Int> {
        let length = try reader.count(max: max)
        let start = reader.offset
        try reader.skip(length)
        return start..<start + length
    }

    private static func isName(_ name: [UInt8], _ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        guard range.count == name.count else { return false }
        return bytes.extracting(range).withUnsafeBytes { $0.elementsEqual(name) }
    }
}
