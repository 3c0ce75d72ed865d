// Records for tests, byte for byte as the log would hold them, but for the hash, which no fold looks at.

import Domain
import Events
import Records

struct TestLog {
    private(set) var records: [[UInt8]] = []
    /// Milliseconds since the boot; the wall clock started at `wallMilliseconds`.
    var nowMilliseconds: UInt64 = 1_000
    var session = SequenceNumber(1)
    static let wallMilliseconds: Int64 = 1_700_000_000_000

    @discardableResult
    mutating func append(_ event: Event, trace: String = "") -> SequenceNumber {
        append(event.kind.kind, typed: event.typed, trace: trace)
    }

    @discardableResult
    mutating func append(_ kind: Kind, typed: [UInt8], trace: String = "") -> SequenceNumber {
        let sequence = SequenceNumber(UInt64(records.count) + 1)
        records.append(TestLog.bytes(kind, typed, trace, sequence, session, nowMilliseconds))
        return sequence
    }

    static func bytes(
        _ kind: Kind, _ typed: [UInt8], _ trace: String, _ sequence: SequenceNumber, _ session: SequenceNumber,
        _ now: UInt64
    ) -> [UInt8] {
        let body = Body(fields: FieldMap([("field", "value")]), typed: typed)
        let (key, producer) = (Array("key/\(sequence)".utf8), Array("test".utf8))
        let header = Header(
            kind: kind, flags: 0, sequence: sequence, session: session,
            recordedAt: Timestamp(milliseconds: wallMilliseconds + Int64(now)),
            monotonicAt: BootInstant(nanoseconds: now * 1_000_000), cause: .none, basis: .none, stream: .none,
            entryID: .zero,
            keyLength: key.count, traceLength: trace.utf8.count, producerLength: producer.count,
            bodyLength: body.bytes.count, content: .zero, hash: .zero)
        let parts = [header.encodedWithoutHash(), Digest.zero.bytes, key, Array(trace.utf8), producer, body.bytes]
        return parts.flatMap { $0 }
    }

    func fold<Fold: Projection>(_ type: Fold.Type = Fold.self) throws -> Fold {
        var fold = Fold()
        for record in records { try fold.apply(bytes: record) }
        return fold
    }
}

extension Projection {
    mutating func apply(bytes: [UInt8]) throws(RecordError) {
        try apply(try RecordView(checking: bytes.span.bytes))
    }
}

/// SplitMix64: the same seed gives the same numbers everywhere.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
    mutating func upTo(_ max: Int) -> Int { Int.random(in: 0...max, using: &self) }
    mutating func pick<Item>(_ items: [Item]) -> Item { items[upTo(items.count - 1)] }
    mutating func chance(_ percent: Int) -> Bool { upTo(99) < percent }
}

/// Literal decimals.
func decimal(_ text: String) -> ExactDecimal { try! ExactDecimal(text) }
func sum(_ text: String) -> ExactSum { ExactSum(decimal(text)) }
