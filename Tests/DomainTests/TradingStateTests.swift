// ACTIVE, REDUCING, HALTED, by table, and against the guards that the log enforces.

import Domain
import Events
import Records
import SwiftProtobuf
import Testing

@Suite struct TradingStateTests {
    enum Step: Sendable {
        case halt, panic, complete, resume, raise(String), end(String), resumeReducing
        case unknown(UInt64, String), resolve(UInt64, String), resumeSymbol(String)
    }

    static func event(_ step: Step) -> Event {
        switch step {
        case .halt:
            .halt(
                .with {
                    $0.reason = "why"; $0.source = "ops"
                })
        case .panic:
            .panicRequested(
                .with {
                    $0.reason = "heart"; $0.issuer = "watchdog"; $0.eventID = "e"
                })
        case .complete:
            .panicCompleted(
                .with {
                    $0.panicSequence = 1; $0.eventID = "e"; $0.positionsTotal = 2; $0.failedSymbols = ["A"]
                })
        case .resume:
            .resume(
                .with {
                    $0.scope = .halt; $0.operator = "o"; $0.reason = "r"
                })
        case .raise(let cause): .reducingRaised(.with { $0.cause = cause })
        case .end(let cause): .reducingEnded(.with { $0.cause = cause })
        case .resumeReducing:
            .resume(
                .with {
                    $0.scope = .reducing; $0.operator = "o"
                })
        case .unknown(let request, let symbol):
            .orderOutcome(
                .with {
                    $0.requestSequence = request; $0.symbol = symbol; $0.state = .unknown
                })
        case .resolve(let request, let symbol):
            .orderOutcome(
                .with {
                    $0.requestSequence = request; $0.symbol = symbol; $0.state = .filled
                })
        case .resumeSymbol(let symbol):
            .resume(
                .with {
                    $0.scope = .symbol; $0.symbol = symbol; $0.operator = "o"
                })
        }
    }

    static func fold(_ steps: [Step]) throws -> TradingState {
        var log = TestLog()
        for step in steps { log.append(event(step)) }
        return try log.fold()
    }

    @Test(
        arguments: [
            ([], .active),
            ([.halt], .halted), ([.panic], .halted), ([.panic, .complete], .halted), ([.halt, .resume], .active),
            ([.halt, .panic, .resume], .active), ([.halt, .resume, .halt], .halted), ([.resume], .active),
            ([.raise("a")], .reducing), ([.raise("a"), .end("a")], .active),
            ([.raise("a"), .raise("b"), .end("a")], .reducing),
            ([.raise("a"), .raise("b"), .resumeReducing], .active), ([.raise("a"), .end("b")], .reducing),
            ([.raise("a"), .halt], .halted), ([.raise("a"), .halt, .resume], .reducing),
            ([.halt, .resumeReducing], .halted), ([.raise("a"), .resume], .reducing),
            ([.unknown(1, "A")], .active), ([.halt, .resumeSymbol("A")], .halted),
        ] as [([Step], TradingState.Mode)])
    func saysTheMode(steps: [Step], mode: TradingState.Mode) throws {
        #expect(try TradingStateTests.fold(steps).mode == mode)
    }

    @Test(
        arguments: [
            ([.unknown(1, "A")], ["A 1"]), ([.unknown(1, "A"), .resolve(1, "A")], []),
            ([.unknown(1, "A"), .unknown(2, "A"), .resolve(1, "A")], ["A 2"]),
            ([.unknown(2, "B"), .unknown(1, "B"), .unknown(3, "A")], ["A 3", "B 1", "B 2"]),
            ([.unknown(1, "A"), .unknown(2, "A"), .unknown(3, "B"), .resumeSymbol("A")], ["B 3"]),
            ([.unknown(1, "A"), .resume, .resumeReducing], ["A 1"]),
            ([.resolve(1, "A"), .unknown(1, "A"), .unknown(1, "A")], ["A 1"]),
        ] as [([Step], [String])])
    func saysWhichSymbolsAreGuarded(steps: [Step], guarded: [String]) throws {
        let state = try TradingStateTests.fold(steps)
        #expect(state.guardedSymbols.map { "\($0.symbol) \($0.request)" } == guarded)
        #expect(state.isGuarded("A") == guarded.contains { $0.hasPrefix("A") })
    }

    @Test func keepsTheFirstHaltAndTheLastPanic() throws {
        let state = try TradingStateTests.fold([.halt, .panic, .halt])
        let halt = try #require(state.halt)
        #expect(halt.reason == "why" && halt.source == "ops")
        #expect(halt.sequence == SequenceNumber(1) && halt.panic == SequenceNumber(2))
        #expect(halt.haltedAt.recordedAt == Timestamp(milliseconds: TestLog.wallMilliseconds + 1_000))
        #expect(halt.haltedAt.monotonicAt == BootInstant(nanoseconds: 1_000_000_000))
        #expect(try TradingStateTests.fold([.panic]).halt?.source == "watchdog")
        #expect(try TradingStateTests.fold([.halt, .resume]).lastResume?.operator == "o")
    }

    @Test func keepsATriggerUntilItsCompletion() throws {
        #expect(try TradingStateTests.fold([.panic]).panics.open.map(\.sequence.rawValue) == [1])
        let done = try TradingStateTests.fold([.panic, .complete]).panics
        #expect(done.open.isEmpty)
        let completion = try #require(done.lastCompletion)
        #expect(
            completion.panic == SequenceNumber(1) && completion.positionsTotal == 2 && completion.failedSymbols == ["A"]
        )
        #expect(try TradingStateTests.fold([.panic, .resume]).panics.open.count == 1)
    }

    /// Same event id: while a run is in progress, and for 60 s after it, a trigger belongs to it.
    @Test(arguments: [(0, 1, false), (59_999, 1, false), (60_000, 2, true)] as [(UInt64, Int, Bool)])
    func countsATriggerIntoItsRun(later: UInt64, runs: Int, stands: Bool) throws {
        var log = TestLog()
        log.append(TradingStateTests.event(.panic))
        log.append(TradingStateTests.event(.panic))
        #expect(try log.fold(TradingState.self).panics.open.count == 1)
        log.append(TradingStateTests.event(.complete))
        log.nowMilliseconds += later
        log.append(TradingStateTests.event(.panic))
        let state: TradingState = try log.fold()
        #expect(state.panics.open.count == (stands ? 1 : 0))
        #expect(state.mode == .halted)
    }

    /// What may be open again, or was not closed, is closed by the next trigger, whatever its name.
    @Test func noTriggerIsCountedIntoARunThatStandsForNothing() throws {
        var resumed = TestLog()
        for event in [
            TradingStateTests.event(.panic), TradingStateTests.event(.complete), TradingStateTests.event(.resume),
        ] {
            resumed.append(event)
        }
        resumed.append(TradingStateTests.event(.panic))
        #expect(try resumed.fold(TradingState.self).panics.open.map(\.sequence.rawValue) == [4], "resumed since")
        for (panic, failed) in [(1, 1), (7, 0), (0, 0)] as [(UInt64, UInt32)] {
            var log = TestLog()
            if panic == 1 { log.append(TradingStateTests.event(.panic)) }
            log.append(
                .panicCompleted(
                    .with {
                        ($0.panicSequence, $0.eventID, $0.positionsTotal, $0.positionsFailed) = (panic, "e", 1, failed)
                    }))
            log.append(TradingStateTests.event(.panic))
            let open = try log.fold(TradingState.self).panics.open
            #expect(open.count == 1, "a completion of \(panic), \(failed) not closed")
        }
    }

    @Test func neverCountsATriggerWithoutEventIDIntoARun() throws {
        var log = TestLog()
        for _ in 0..<3 {
            log.append(
                .panicRequested(
                    .with {
                        $0.reason = "r"; $0.issuer = "ops"
                    }))
        }
        #expect(try log.fold(TradingState.self).panics.open.count == 3)
    }

    /// The fold and the log's guards must never tell different stories.
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func agreesWithTheGuardsOfTheLog(seed: UInt64) throws {
        var workload = Workload(seed: seed)
        for _ in 0..<600 { workload.step() }
        var state = TradingState()
        var guards = GuardState()
        for (index, bytes) in workload.log.records.enumerated() {
            try state.apply(bytes: bytes)
            let record = try RecordView(checking: bytes.span.bytes).record()
            guard TradingState.kinds.contains(record.kind) else { continue }
            _ = guards.apply(try EventRules.facts(record.kind, body: record.body).guards, at: record.sequence)
            let place: Comment = "seed \(seed) record \(index + 1)"
            #expect((state.halt != nil) == (guards.first("halt") != nil), place)
            #expect(state.halt?.sequence == guards.first("halt")?.sequence, place)
            #expect(
                state.reducingCauses.map(\.cause).sorted() == (guards.holders["reducing"] ?? []).map(\.holder).sorted(),
                place)
            let held = guards.holders.filter { $0.key.hasPrefix("symbol/") }
                .flatMap { name, holders in holders.map { "\(name.dropFirst(7)) \($0.holder)" } }
            #expect(state.guardedSymbols.map { "\($0.symbol) \($0.request)" }.sorted() == held.sorted(), place)
        }
    }
}
