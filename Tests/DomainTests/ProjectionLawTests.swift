// What holds for every projection, over random logs of every kind of event.

import Domain
import Events
import Records
import Testing

@Suite struct ProjectionLawTests {
    static let seeds: [UInt64] = [1, 2, 3, 4, 5]
    static let steps = 400

    @Test(arguments: seeds) func positionsObeyTheLaws(seed: UInt64) throws { try Laws<Positions>.check(seed) }
    @Test(arguments: seeds) func attestedPositionsObeyTheLaws(seed: UInt64) throws {
        try Laws<AttestedPositions>.check(seed)
    }
    @Test(arguments: seeds) func openOrdersObeyTheLaws(seed: UInt64) throws { try Laws<OpenOrders>.check(seed) }
    @Test(arguments: seeds) func intentsObeyTheLaws(seed: UInt64) throws { try Laws<Intents>.check(seed) }
    @Test(arguments: seeds) func tradingStateObeysTheLaws(seed: UInt64) throws { try Laws<TradingState>.check(seed) }
    @Test(arguments: seeds) func heartbeatsObeyTheLaws(seed: UInt64) throws { try Laws<Heartbeats>.check(seed) }
    @Test(arguments: seeds) func configurationObeysTheLaws(seed: UInt64) throws { try Laws<Configuration>.check(seed) }
    @Test(arguments: seeds) func theWholeStateObeysTheLaws(seed: UInt64) throws { try Laws<State>.check(seed) }

    @Test(arguments: seeds) func theStateIsItsProjections(seed: UInt64) throws {
        let log = Laws<State>.workload(seed).log
        let state: State = try log.fold()
        #expect(state.asOf == SequenceNumber(UInt64(log.records.count)))
        #expect(try state.positions == log.fold())
        #expect(try state.attested == log.fold())
        #expect(try state.orders == log.fold())
        #expect(try state.intents == log.fold())
        #expect(try state.trading == log.fold())
        #expect(try state.heartbeats == log.fold())
        #expect(try state.configuration == log.fold())
    }

    @Test func theStateTakesEveryRecordOnceInOrder() throws {
        var log = TestLog()
        for _ in 0..<3 { log.append(.untyped(EventUntyped())) }
        var state = State()
        try state.apply(bytes: log.records[0])
        #expect(throws: RecordError.self) { try state.apply(bytes: log.records[0]) }
        #expect(throws: RecordError.self) { try state.apply(bytes: log.records[2]) }
        try state.apply(bytes: log.records[1])
        #expect(state.asOf == SequenceNumber(2))
    }

    @Test func theStateRefusesAKindThatItDoesNotKnow() {
        var log = TestLog()
        log.append(Kind(999), typed: [])
        #expect(throws: RecordError.self) { try log.fold(State.self) }
    }
}

private enum Laws<Fold: Projection> {
    static func workload(_ seed: UInt64) -> Workload {
        var workload = Workload(seed: seed)
        for _ in 0..<ProjectionLawTests.steps { workload.step() }
        return workload
    }

    /// Every tenth step goes on from what was written and read back: a snapshot and its tail are the whole.
    static func check(_ seed: UInt64) throws {
        let log = workload(seed).log
        var whole = Fold()
        var restored = Fold()
        var changes = 0
        for (index, record) in log.records.enumerated() {
            let place: Comment = "\(Fold.name) seed \(seed) record \(index + 1)"
            let before = whole
            try whole.apply(bytes: record)
            try restored.apply(bytes: record)
            let bytes = whole.encode()
            let again = try Fold(decoding: bytes)
            #expect(again == whole, place)
            #expect(again.encode() == bytes, place)
            #expect(again.digest == whole.digest, place)
            #expect((before == whole) == (before.encode() == bytes), place)
            if index.isMultiple(of: 10) { restored = try Fold(decoding: restored.encode()) }
            changes += before == whole ? 0 : 1
        }
        #expect(restored == whole, "\(Fold.name) seed \(seed)")
        #expect(try log.fold(Fold.self) == whole, "\(Fold.name) seed \(seed)")
        #expect(changes > 5, "\(Fold.name) seed \(seed): the workload says nothing to this fold")
        try skipsOthers(whole)
        refusesBrokenBytes(whole.encode())
    }

    /// A kind that a projection does not read is skipped by its header: its body is never looked at.
    static func skipsOthers(_ whole: Fold) throws {
        if Fold.self == State.self { return }
        for kind in EventKind.allCases where !Fold.kinds.contains(kind.kind) {
            var fold = whole
            var log = TestLog()
            log.append(kind.kind, typed: [0xff, 0xff])
            try fold.apply(bytes: log.records[0])
            #expect(fold == whole, "\(Fold.name) read a \(kind.name)")
        }
        for kind in Fold.kinds where kind != EventKind.decision.kind {
            var fold = whole
            var log = TestLog()
            log.append(kind, typed: [0xff, 0xff])
            #expect(throws: RecordError.self) { try fold.apply(bytes: log.records[0]) }
        }
    }

    static func refusesBrokenBytes(_ bytes: [UInt8]) {
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 50)) {
            #expect(throws: RecordError.self) { try Fold(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: RecordError.self) { try Fold(decoding: bytes + [0]) }
    }
}
