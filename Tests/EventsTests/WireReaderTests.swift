// The fast reading of the four frequent kinds against the general decoder, over random messages, every
// cut of them, and fields that come twice, in another type, or from a newer version.

import Events
import Records
import SwiftProtobuf
import Testing

@Suite struct WireReaderTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func readsWhatTheGeneralDecoderReads(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for round in 0..<300 {
            let place: Comment = "seed \(seed) round \(round)"
            try Pair.fill.check(try Random.fill(&numbers).serializedBytes(), place)
            try Pair.request.check(try Random.request(&numbers).serializedBytes(), place)
            try Pair.outcome.check(try Random.outcome(&numbers).serializedBytes(), place)
            try Pair.heartbeat.check(try Random.heartbeat(&numbers).serializedBytes(), place)
        }
    }

    /// The later field counts, decimals are merged: as two messages one after the other.
    @Test(arguments: [1, 2] as [UInt64])
    func mergesFieldsThatComeTwice(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for round in 0..<100 {
            let place: Comment = "seed \(seed) round \(round)"
            let fills: [UInt8] = try Random.fill(&numbers).serializedBytes() + Random.fill(&numbers).serializedBytes()
            let outcomes: [UInt8] =
                try Random.outcome(&numbers).serializedBytes() + Random.outcome(&numbers).serializedBytes()
            try Pair.fill.check(fills, place)
            try Pair.outcome.check(outcomes, place)
        }
    }

    @Test(
        arguments: [
            [0x08, 0x05], [0x0d, 1, 2, 3, 4], [0x09, 1, 2, 3, 4, 5, 6, 7, 8], [0x0a, 0], [0x3a, 1, 0x41], [0x48, 5],
            [0x4a, 2, 0x0d, 0],
            [0x98, 0x06, 1], [0x9a, 0x06, 3, 1, 2, 3], [0x00, 1], [0x07], [0x0e, 1], [0x0a, 0x80], [0x0a, 1, 0xff],
            [0x38, 0x80],
            [0x38] + Array(repeating: 0xff, count: 9) + [0x01], [0x38] + Array(repeating: 0xff, count: 10) + [0x01],
            [0x4a, 4, 0x10, 0x80, 0x80, 0x01], [0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ] as [[UInt8]])
    func judgesStrangeBytesAsTheGeneralDecoder(bytes: [UInt8]) throws {
        // An outcome has texts and decimals in fields that no fold reads; they are skipped unseen.
        for pair in [Pair.fill, .request, .heartbeat] { try pair.check(bytes, "\(pair) \(bytes)") }
    }

    @Test func refusesWhatIsCutOff() throws {
        var numbers = SeededNumbers(seed: 7)
        for _ in 0..<20 {
            let fill: [UInt8] = try Random.fill(&numbers).serializedBytes()
            for length in 0..<fill.count { try Pair.fill.check(Array(fill[..<length]), "cut at \(length)") }
            let request: [UInt8] = try Random.request(&numbers).serializedBytes()
            for length in 0..<request.count { try Pair.request.check(Array(request[..<length]), "cut at \(length)") }
        }
    }
}

/// A kind read in both ways.
private enum Pair {
    case fill, request, outcome, heartbeat

    /// Both throw, or both say the same.
    func check(_ typed: [UInt8], _ place: Comment) throws {
        let fast = Result { try self.fast(typed) }
        let general = Result { try self.general(typed) }
        switch (fast, general) {
        case (.success(let a), .success(let b)): #expect(a == b, place)
        case (.failure, .failure): break
        case (.success, .failure(let error)): Issue.record("\(place): only the general decoder refuses: \(error)")
        case (.failure(let error), .success): Issue.record("\(place): only the fast reader refuses: \(error)")
        }
    }

    private func fast(_ typed: [UInt8]) throws -> [String] {
        let bytes = Pair.record(typed)
        let record = try RecordView(checking: bytes.span.bytes)
        switch self {
        case .fill:
            let facts = try FillFacts(reading: record)
            return [
                facts.venue, facts.account, facts.symbol, "\(facts.side.rawValue)", "\(facts.positionSide.rawValue)",
                Pair.show(facts.quantity), Pair.show(facts.price), Pair.show(facts.fee), facts.feeAsset,
            ]
        case .request:
            let facts = try OrderRequestFacts(reading: record)
            return [
                "\(facts.intentSequence)", "\(facts.leg)", facts.venue, facts.account, facts.symbol,
                "\(facts.side.rawValue)",
                "\(facts.positionSide.rawValue)", Pair.show(facts.quantity), Pair.show(facts.price),
                "\(facts.reduceOnly)",
                facts.clientOrderID,
            ]
        case .outcome:
            let facts = try OrderOutcomeFacts(reading: record)
            return [
                "\(facts.requestSequence)", facts.symbol, "\(facts.state.rawValue)", facts.exchangeOrderID,
                Pair.show(facts.executedQuantity),
            ]
        case .heartbeat:
            let facts = try HeartbeatFacts(reading: record)
            return [
                facts.serviceID, "\(facts.status.rawValue)", "\(facts.activePositions)", "\(facts.lastDecisionAtNs)",
            ]
        }
    }

    private func general(_ typed: [UInt8]) throws -> [String] {
        let bytes = Pair.record(typed)
        let record = try RecordView(checking: bytes.span.bytes)
        switch self {
        case .fill:
            let fill = try EventFill(reading: record)
            return [
                fill.venue, fill.account, fill.symbol, "\(fill.side.rawValue)", "\(fill.positionSide.rawValue)",
                Pair.show(fill.quantity), Pair.show(fill.price), Pair.show(fill.hasFee ? fill.fee : nil), fill.feeAsset,
            ]
        case .request:
            let request = try EventOrderRequested(reading: record)
            return [
                "\(request.intentSequence)", "\(request.leg)", request.venue, request.account, request.symbol,
                "\(request.side.rawValue)", "\(request.positionSide.rawValue)", Pair.show(request.quantity),
                Pair.show(request.hasPrice ? request.price : nil), "\(request.reduceOnly)", request.clientOrderID,
            ]
        case .outcome:
            let outcome = try EventOrderOutcome(reading: record)
            return [
                "\(outcome.requestSequence)", outcome.symbol, "\(outcome.state.rawValue)", outcome.exchangeOrderID,
                Pair.show(outcome.hasExecutedQuantity ? outcome.executedQuantity : nil),
            ]
        case .heartbeat:
            let heartbeat = try EventHeartbeat(reading: record)
            return [
                heartbeat.serviceID, "\(heartbeat.status.rawValue)", "\(heartbeat.activePositions)",
                "\(heartbeat.lastDecisionAtNs)",
            ]
        }
    }

    private static func show(_ decimal: WireDecimal?) -> String {
        decimal.map { "\($0.coefficient)e\($0.exponent)" } ?? "none"
    }
    private static func show(_ decimal: EventDecimal?) -> String {
        decimal.map { "\($0.coefficient)e\($0.exponent)" } ?? "none"
    }

    private static func record(_ typed: [UInt8]) -> [UInt8] {
        let body = Body(fields: FieldMap(), typed: typed)
        let header = Header(
            kind: Kind(1), flags: 0, sequence: SequenceNumber(1), session: SequenceNumber(1),
            recordedAt: Timestamp(nanoseconds: 0), monotonicAt: BootInstant(nanoseconds: 0), cause: .none, basis: .none,
            stream: .none, entryID: .zero, keyLength: 0, traceLength: 0, producerLength: 0,
            bodyLength: body.bytes.count,
            content: .zero)
        return header.encodedWithoutHash() + Digest.zero.bytes + body.bytes
    }
}

private enum Random {
    static func word(_ numbers: inout SeededNumbers) -> String {
        ["", "BTCUSDT", "binance", "a name of more than fifteen bytes", "é✓"].randomElement(using: &numbers)!
    }
    static func decimal(_ numbers: inout SeededNumbers) -> EventDecimal {
        .with {
            $0.coefficient = Int64(bitPattern: numbers.next() >> (numbers.next() % 64))
            $0.exponent = Int32(truncatingIfNeeded: numbers.next() >> (numbers.next() % 64))
        }
    }
    static func choice(_ numbers: inout SeededNumbers) -> Int {
        [0, 1, 2, 3, 99, -1, Int(Int32.max)].randomElement(using: &numbers)!
    }

    static func fill(_ numbers: inout SeededNumbers) -> EventFill {
        var fill = EventFill()
        (fill.venue, fill.account, fill.symbol) = (word(&numbers), word(&numbers), word(&numbers))
        (fill.tradeID, fill.orderID, fill.feeAsset) = (word(&numbers), word(&numbers), word(&numbers))
        fill.side = EventSide(rawValue: choice(&numbers))!
        fill.positionSide = EventPositionSide(rawValue: choice(&numbers))!
        if Bool.random(using: &numbers) { fill.quantity = decimal(&numbers) }
        if Bool.random(using: &numbers) { fill.price = decimal(&numbers) }
        if Bool.random(using: &numbers) { fill.fee = decimal(&numbers) }
        fill.tradedAtNs = Int64(bitPattern: numbers.next())
        return fill
    }

    static func request(_ numbers: inout SeededNumbers) -> EventOrderRequested {
        var request = EventOrderRequested()
        request.intentSequence = numbers.next() >> (numbers.next() % 64)
        request.leg = UInt32(truncatingIfNeeded: numbers.next())
        (request.venue, request.account, request.symbol) = (word(&numbers), word(&numbers), word(&numbers))
        request.side = EventSide(rawValue: choice(&numbers))!
        request.positionSide = EventPositionSide(rawValue: choice(&numbers))!
        if Bool.random(using: &numbers) { request.quantity = decimal(&numbers) }
        if Bool.random(using: &numbers) { request.price = decimal(&numbers) }
        request.reduceOnly = Bool.random(using: &numbers)
        request.clientOrderID = word(&numbers)
        return request
    }

    static func outcome(_ numbers: inout SeededNumbers) -> EventOrderOutcome {
        var outcome = EventOrderOutcome()
        outcome.requestSequence = numbers.next() >> (numbers.next() % 64)
        (outcome.symbol, outcome.clientOrderID) = (word(&numbers), word(&numbers))
        outcome.state = EventOutcomeState(rawValue: choice(&numbers))!
        (outcome.exchangeOrderID, outcome.errorText) = (word(&numbers), word(&numbers))
        if Bool.random(using: &numbers) { outcome.executedQuantity = decimal(&numbers) }
        if Bool.random(using: &numbers) { outcome.averagePrice = decimal(&numbers) }
        outcome.errorCode = Int32(truncatingIfNeeded: numbers.next())
        return outcome
    }

    static func heartbeat(_ numbers: inout SeededNumbers) -> EventHeartbeat {
        var heartbeat = EventHeartbeat()
        heartbeat.serviceID = word(&numbers)
        heartbeat.status = EventHeartStatus(rawValue: choice(&numbers))!
        heartbeat.activePositions = UInt32(truncatingIfNeeded: numbers.next())
        heartbeat.lastDecisionAtNs = Int64(bitPattern: numbers.next())
        if Bool.random(using: &numbers) { heartbeat.latencyMs = decimal(&numbers) }
        heartbeat.producedAtNs = Int64(bitPattern: numbers.next())
        return heartbeat
    }
}
