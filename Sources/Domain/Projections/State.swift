// All projections together: what a service knows of the log up to one sequence. It takes every record
// once, in order, and looks at the kind first, so that most records cost a header.
// A projection that is added here gets a name, a version and a place in `encode` at the end.

internal import Events
package import Records

package struct State: Projection {
    package static let name = "state"
    package static let version: UInt32 = 2
    package static let kinds = EventKind.allCases.map(\.kind)

    /// The last record applied; none: nothing yet.
    package private(set) var asOf = SequenceNumber.none
    package private(set) var positions = Positions()
    package private(set) var attested = AttestedPositions()
    package private(set) var orders = OpenOrders()
    package private(set) var intents = Intents()
    package private(set) var trading = TradingState()
    package private(set) var heartbeats = Heartbeats()
    package private(set) var configuration = Configuration()

    package init() {}

    /// Throws where the record is not the next one, is of a kind that this version does not know, or has a
    /// body that cannot be read; the state is then not to be used any more.
    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        let sequence = record.sequence
        guard sequence == asOf.next else { throw .malformed("record \(sequence) follows \(asOf) in a fold") }
        guard let kind = EventKind(record.kind) else {
            throw .malformed("record \(sequence): kind \(record.kind.rawValue) is not known to this version")
        }
        switch kind {
        case .sessionStarted, .heartbeat: try heartbeats.apply(record)
        case .decision, .decisionRefused, .tradeIntent, .executionResult: try intents.apply(record)
        case .fill, .fillDetail: try positions.apply(record)
        case .orderRequested: try orders.apply(record)
        case .orderOutcome:
            let outcome = try OrderOutcomeFacts(reading: record)
            try orders.follow(outcome, sequence)
            try trading.follow(outcome, sequence)
        case .positionAttested: try attested.apply(record)
        case .panicRequested, .panicCompleted, .halt, .resume, .reducingRaised, .reducingEnded:
            try trading.apply(record)
        case .configApplied: try configuration.apply(record)
        case .streamCreated, .conflict, .streamHidden, .groupChanged, .logRestored, .untyped, .messageRefused,
            .evidence,
            .stateDigest,
            .panicRefused:
            break
        }
        asOf = sequence
    }
}

extension State {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        asOf.write(to: &writer)
        State.write(positions, to: &writer)
        State.write(attested, to: &writer)
        State.write(orders, to: &writer)
        State.write(intents, to: &writer)
        State.write(trading, to: &writer)
        State.write(heartbeats, to: &writer)
        State.write(configuration, to: &writer)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        asOf = try SequenceNumber(from: &reader)
        positions = try State.read(&reader)
        attested = try State.read(&reader)
        orders = try State.read(&reader)
        intents = try State.read(&reader)
        trading = try State.read(&reader)
        heartbeats = try State.read(&reader)
        configuration = try State.read(&reader)
        try reader.finish()
    }

    private static func write<Part: Projection>(_ part: Part, to writer: inout ByteWriter) {
        writer.sized(Part.name)
        writer.fixed(Part.version)
        let bytes = part.encode()
        writer.fixed(UInt64(bytes.count))
        writer.raw(bytes)
    }

    @_lifetime(reader: copy reader)
    private static func read<Part: Projection>(_ reader: inout ByteReader) throws(RecordError) -> Part {
        let name = try reader.text()
        let version = try reader.fixed(UInt32.self)
        guard name == Part.name, version == Part.version else {
            throw .malformed("\(name)/\(version) where \(Part.name)/\(Part.version) is expected")
        }
        let count = try reader.fixed(UInt64.self)
        guard let length = Int(exactly: count) else { throw .malformed("a projection of \(count) bytes") }
        return try Part(decoding: try reader.raw(length))
    }
}

/// One projection of the state, for rebuilds and comparisons.
package struct StatePart: Sendable {
    package let name: String
    package let version: UInt32
    package let digest: Digest
}

extension State {
    /// All projections, by the order of the encoding.
    package var parts: [StatePart] {
        [
            part(positions), part(attested), part(orders), part(intents), part(trading), part(heartbeats),
            part(configuration),
        ]
    }

    private func part<Part: Projection>(_ projection: Part) -> StatePart {
        StatePart(name: Part.name, version: Part.version, digest: projection.digest)
    }
}
