// One full message of every kind, with every field set, for tables of bytes and round trips. A kind
// without a sample does not compile.

import Foundation
import Records
import SwiftProtobuf
import Testing

@testable import Events

enum SampleEvent {
    static let time: Int64 = 1_763_818_338_282_193_000
    static let recordedAt = Timestamp(nanoseconds: time)

    static func decimal(_ coefficient: Int64, _ exponent: Int32 = 0) -> EventDecimal {
        var decimal = EventDecimal()
        decimal.coefficient = coefficient
        decimal.exponent = exponent
        return decimal
    }

    static func member(_ name: String, _ json: String) -> EventMember {
        var member = EventMember()
        member.name = name
        member.json = json
        return member
    }

    static let decision = EventDecision.with {
        $0.symbol = "BTCUSDT"
        $0.action = .buy
        $0.confidence = decimal(481_812, -6)
        $0.entryPrice = decimal(914_205, -1)
        $0.quantity = decimal(2, -3)
        $0.positionSizeUsd = decimal(1, 2)
        $0.leverage = 5
        $0.stopLoss = decimal(905, 2)
        $0.takeProfit = decimal(93, 3)
        $0.producedAtNs = time
        $0.model = "xgb"
        $0.correlationID = "c-1"
        $0.source = "ai-engine"
        $0.members = [member("regime", "\"trend\"")]
        $0.reduceOnly = true
        $0.positionSide = .long
    }
    static let intent = EventTradeIntent.with {
        $0.decisionSequence = 7
        $0.symbol = "BTCUSDT"
        $0.action = .buy
        $0.quantity = decimal(2, -3)
        $0.positionSizeUsd = decimal(1, 2)
        $0.sizedBy = .config
        $0.entryPrice = decimal(914_205, -1)
        $0.stopLoss = decimal(905, 2)
        $0.takeProfit = decimal(93, 3)
        $0.leverage = 5
        $0.confidence = decimal(481_812, -6)
        $0.reduceOnly = true
        $0.positionSide = .long
        $0.reason = "confidence"
        $0.rule = "router/1"
        $0.configSequence = 3
        $0.members = [member("regime", "\"trend\"")]
        $0.correlationID = "c-1"
        $0.model = "xgb"
    }
    static let request = EventOrderRequested.with {
        $0.intentSequence = 8
        $0.leg = 1
        $0.venue = "binance"
        $0.account = "main"
        $0.symbol = "BTCUSDT"
        $0.side = .buy
        $0.positionSide = .both
        $0.quantity = decimal(2, -3)
        $0.price = decimal(914_205, -1)
        $0.reduceOnly = true
        $0.clientOrderID = "bsabc"
    }
    static let outcome = EventOrderOutcome.with {
        $0.requestSequence = 9
        $0.symbol = "BTCUSDT"
        $0.clientOrderID = "bsabc"
        $0.state = .unknown
        $0.exchangeOrderID = "12345678"
        $0.executedQuantity = decimal(1, -3)
        $0.averagePrice = decimal(914_205, -1)
        $0.errorCode = -2021
        $0.errorText = "Order would immediately trigger"
    }
    static let fill = EventFill.with {
        $0.venue = "binance"
        $0.account = "main"
        $0.symbol = "BTCUSDT"
        $0.tradeID = "77"
        $0.orderID = "12345678"
        $0.clientOrderID = "bsabc"
        $0.side = .sell
        $0.positionSide = .both
        $0.quantity = decimal(2, -3)
        $0.price = decimal(914_205, -1)
        $0.fee = decimal(7, -2)
        $0.feeAsset = "USDT"
        $0.tradedAtNs = time
    }

    static let pair = EventPair.with {
        $0.symbolY = "ETHUSDT"
        $0.sideY = .sell
        $0.ratio = decimal(15, -1)
    }
    static let pairIntent = EventTradeIntent.with {
        $0.symbol = "BTCUSDT"
        $0.action = .buy
        $0.quantity = decimal(1, 0)
        $0.sizedBy = .decisionQuantity
        $0.pair = pair
    }
    /// Of the kinds that may speak of two symbols.
    static let paired: [Event] = [
        .decision(
            EventDecision.with {
                $0.symbol = "BTCUSDT"
                $0.action = .buy
                $0.pair = pair
            }),
        .tradeIntent(pairIntent),
        .executionResult(
            EventExecutionResult.with {
                $0.intentSequence = 8
                $0.symbol = "BTCUSDT"
                $0.side = .buy
                $0.state = .filled
                $0.pair = pair
            }),
    ]

    /// Every way in which a group changes.
    static let groupChanges: [Event] = {
        let ids = [EntryID(1, 1), EntryID(2, 0)]
        let changes: [GroupChange] = [
            .created(at: ids[0], deadAfter: 5), .idSet(ids[0], previous: ids[1]),
            .destroyed(pending: 1, deadLetters: 2),
            .consumerCreated("c"), .consumerDeleted("c", pending: 3, entriesKept: true),
            .claimed(consumer: "c", ids), .acknowledged(ids), .deadLettered(ids, reason: "r"),
            .deadLettersRetried(ids, consumer: "c"), .deadLettersDropped(ids), .deadAfterSet(4),
        ]
        return changes.map { change in
            .groupChanged(.with { ($0.stream, $0.group, $0.change) = ("s", "router", change.message) })
        }
    }()

    static func event(_ kind: EventKind) -> Event {
        switch kind {
        case .evidence:
            .evidence(
                .with {
                    ($0.about, $0.rule, $0.startedAtMs) = (8, "execution/2", time / 1_000_000)
                    ($0.part, $0.parts, $0.said) = (1, 1, #"[{"a":1}]"#)
                })
        case .stateDigest:
            .stateDigest(
                .with {
                    $0.asOf = 7
                    $0.parts = [
                        .with { ($0.name, $0.version, $0.digest) = ("positions", 2, Data([0xab, 0xcd])) }
                    ]
                })
        case .sessionStarted:
            .sessionStarted(.with { ($0.bootID, $0.host, $0.pid, $0.version) = ("boot", "host", 4711, "1.0.0") })
        case .streamCreated: .streamCreated(.with { ($0.number, $0.name) = (2, "system:panic_close") })
        case .conflict:
            .conflict(
                .with {
                    ($0.key, $0.firstSequence) = ("user/s/k", 5)
                    $0.offeredContent = Data(repeating: 0xab, count: 32)
                    $0.offeredBody = Data(Body(fields: FieldMap([("a", "1")]), typed: []).bytes)
                })
        case .streamHidden:
            .streamHidden(.with { ($0.stream, $0.entryIds, $0.beforeID) = ("s", ["1-1", "2-0"], "1-0") })
        case .groupChanged:
            .groupChanged(.with { ($0.stream, $0.group, $0.created.startID) = ("s", "router", "0-0") })
        case .logRestored:
            .logRestored(
                .with {
                    ($0.logID, $0.parentID) = (Data(repeating: 0xcd, count: 16), Data(repeating: 0xab, count: 16))
                    ($0.parentSequence, $0.parentHash) = (7, Data(repeating: 0xef, count: 32))
                    $0.verdict = .behind
                    $0.knownHeads = [.with { ($0.sequence, $0.hash) = (9, Data(repeating: 0x01, count: 32)) }]
                })
        case .untyped: .untyped(EventUntyped())
        case .configApplied:
            .configApplied(
                .with {
                    $0.settings = [
                        .with { ($0.name, $0.value, $0.source) = ("router.confidence_min", "0.35", "default") }
                    ]
                })
        case .messageRefused:
            .messageRefused(
                .with {
                    ($0.stream, $0.reason, $0.client, $0.count) = ("s", "payload", "127.0.0.1", 3)
                    $0.sample = Data([0xff, 0x00])
                })
        case .decision: .decision(decision)
        case .decisionRefused:
            .decisionRefused(
                .with {
                    ($0.decisionSequence, $0.reason, $0.detail, $0.symbol) = (
                        7, .lowConfidence, "0.2 < 0.35", "BTCUSDT"
                    )
                    ($0.action, $0.refersTo, $0.rule, $0.configSequence) = (.buy, 4, "router/1", 3)
                })
        case .tradeIntent: .tradeIntent(intent)
        case .executionResult:
            .executionResult(
                .with {
                    ($0.intentSequence, $0.symbol, $0.side, $0.state) = (8, "BTCUSDT", .buy, .filled)
                    ($0.reason, $0.orderID, $0.producedAtNs) = ("done", "12345678", time)
                    ($0.filledQuantity, $0.averagePrice) = (decimal(2, -3), decimal(914_205, -1))
                    $0.members = [member("venue", "\"binance\"")]
                })
        case .orderRequested: .orderRequested(request)
        case .orderOutcome: .orderOutcome(outcome)
        case .fill: .fill(fill)
        case .fillDetail:
            .fillDetail(
                .with {
                    ($0.venue, $0.account, $0.symbol, $0.tradeID) = ("binance", "main", "BTCUSDT", "77")
                    ($0.fee, $0.feeAsset, $0.realisedProfit) = (decimal(7, -2), "USDT", decimal(-15, -1))
                })
        case .positionAttested:
            .positionAttested(
                .with {
                    ($0.venue, $0.account, $0.symbol, $0.positionSide) = ("binance", "main", "BTCUSDT", .both)
                    ($0.quantity, $0.entryPrice, $0.attestedAtNs) = (decimal(-2, -3), decimal(914_205, -1), time)
                })
        case .heartbeat:
            .heartbeat(
                .with {
                    ($0.serviceID, $0.status, $0.activePositions) = ("exit_brain", .degraded, 2)
                    ($0.lastDecisionAtNs, $0.latencyMs, $0.producedAtNs) = (time, decimal(125, -1), time)
                })
        case .panicRequested:
            .panicRequested(
                .with {
                    ($0.eventID, $0.reason, $0.issuer) = ("550e8400", "POSITIONS_UNGUARDED", "watchdog")
                    ($0.severity, $0.producedAtNs) = ("CRITICAL", time)
                })
        case .panicRefused:
            .panicRefused(
                .with {
                    ($0.reason, $0.detail, $0.eventID) = (.tooOld, "age 61000 ms", "550e8400")
                    ($0.issuer, $0.producedAtNs) = ("ops", time)
                })
        case .panicCompleted:
            .panicCompleted(
                .with {
                    ($0.panicSequence, $0.eventID, $0.positionsTotal) = (11, "550e8400", 2)
                    ($0.positionsClosed, $0.positionsFailed, $0.failedSymbols) = (1, 1, ["ETHUSDT"])
                    ($0.startedAtNs, $0.completedAtNs, $0.executionTimeMs) = (time, time + 1_847_000_000, 1847)
                })
        case .halt: .halt(.with { ($0.reason, $0.source, $0.panicSequence) = ("panic", "exit_worker", 11) })
        case .resume:
            .resume(
                .with {
                    ($0.scope, $0.operator, $0.reason, $0.symbol) = (.symbol, "ana", "looked at it", "BTCUSDT")
                    ($0.endsSequence, $0.overrideCooldown, $0.acceptOpenRisk) = (11, true, true)
                })
        case .reducingRaised: .reducingRaised(.with { ($0.cause, $0.detail) = ("ledgers", "BTCUSDT 0.002 ≠ 0") })
        case .reducingEnded: .reducingEnded(.with { ($0.cause, $0.evidence) = ("ledgers", "equal in two snapshots") })
        }
    }

    static func draft(_ stream: String, _ fields: [(String, String)], key: String? = nil) throws -> Draft {
        try Intake.draft(
            stream: stream, fields: FieldMap(fields), key: key, traceID: nil, producer: "test", recordedAt: recordedAt)
    }

    static func event(_ draft: Draft) throws -> Event {
        try EventRecord.parts(try #require(EventKind(draft.kind)), body: draft.body.bytes).event
    }

    static func record(_ draft: Draft) -> Record {
        let header = Header(
            kind: draft.kind, flags: 0, sequence: SequenceNumber(1), session: SequenceNumber(1), recordedAt: recordedAt,
            monotonicAt: BootInstant(nanoseconds: 1), cause: draft.cause, basis: draft.basis, stream: StreamNumber(1),
            entryID: EntryID(1, 0), keyLength: 0, traceLength: 0, producerLength: 0, bodyLength: draft.body.bytes.count,
            content: .zero, hash: .zero)
        return Record(
            header: header, key: draft.key, traceID: draft.traceID, producer: draft.producer, body: draft.body.bytes)
    }
}
