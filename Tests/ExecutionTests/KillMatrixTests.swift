// kill -9 of the execution process at every place that has a failpoint × what the exchange does with the order. Then
// another process: at most one order a request, one result an intent, and log and exchange hold the same.

import EventLog
import Events
import Glibc
import Programmes
import Testing
import TradingBench

/// What the exchange does with an order, each on a symbol of its own.
enum Fate: String, CaseIterable {
    case filled = "BTCUSDT"
    /// It never arrives, and no answer comes.
    case lost = "ETHUSDT"
    /// It is filled, and no answer comes.
    case ghost = "SOLUSDT"
    case rejected = "XRPUSDT"
    /// 60 percent.
    case partial = "BNBUSDT"

    var symbol: String { rawValue }
    var quantity: String {
        switch self {
        case .filled: "0.01"
        case .lost: "1"
        case .ghost: "10"
        case .rejected: "1000"
        case .partial: "2"
        }
    }
    var fault: String? {
        switch self {
        case .filled: nil
        case .lost: #"{"kind":"lost","wire":"close","symbol":"\#(symbol)"}"#
        case .ghost: #"{"kind":"ghost","wire":"close","symbol":"\#(symbol)"}"#
        case .rejected: #"{"kind":"reject","code":-2019,"msg":"Margin is insufficient.","symbol":"\#(symbol)"}"#
        case .partial: #"{"kind":"partial_fill","percent":60,"symbol":"\#(symbol)"}"#
        }
    }
    var hasNoAnswer: Bool { self == .lost || self == .ghost }

    /// Status and the beginning of the reason, where nobody dies between sending and hearing.
    var end: (String, String) {
        switch self {
        case .filled, .ghost: ("filled", "(no text reason)")
        case .lost: ("failed", "not_found_after_horizon")
        case .rejected: ("rejected", "exchange_refused")
        case .partial: ("filled", "partial")
        }
    }
}

/// A failpoint, and how far the intent has come there.
struct Death: CustomTestStringConvertible {
    enum Stage { case delivered, requested, sent, ended }
    let failpoint: Failpoint
    var count = 1
    /// Nil: the log and the exchange say it afterwards.
    var stage: Stage?

    var label: String { "\(failpoint.rawValue)@\(count)" }
    var testDescription: String { label }
    /// An outcome is noted before the end only where it is not known.
    var fates: [Fate] {
        let isOfNote = failpoint == .noteAfter || stage == nil && count == 6
        return isOfNote ? Fate.allCases.filter(\.hasNoAnswer) : Fate.allCases
    }

    /// Commits: the first two are configuration and group; then delivery, request, for some a note, end.
    static let all: [Death] =
        [
            Death(failpoint: .deliveryAfter, stage: .delivered), Death(failpoint: .requestAfter, stage: .requested),
            Death(failpoint: .placeBefore, stage: .requested), Death(failpoint: .placeAfter, stage: .sent),
            Death(failpoint: .noteAfter, stage: .sent), Death(failpoint: .acknowledgeBefore, stage: .sent),
            Death(failpoint: .concludeAfter, stage: .ended),
        ]
        + [Failpoint.commitBefore, .commitAfter].flatMap { place in
            (3...6).map { Death(failpoint: place, count: $0) }
        }
}

@Suite(.inLanes) struct KillMatrixTests {
    @Test func theMatrixHasEveryFailpointOfExecution() {
        let places = Set(Death.all.map(\.failpoint))
        #expect(places.isSuperset(of: Failpoint.ofExecution))
        #expect(places.isSuperset(of: [.deliveryAfter, .commitBefore, .commitAfter, .acknowledgeBefore]))
    }

    @Test(arguments: Death.all)
    func anIntentHasOneEndAndAtMostOneOrderAfterAKill(_ death: Death) throws {
        let exchange = try Exchange()
        let fates = death.fates
        for fault in fates.compactMap(\.fault) { try exchange.fault(fault) }
        try withTradingLogs(fates.count, exchange) { logs in
            let cases = Array(zip(logs, fates))
            for (log, fate) in cases { try log.intent(fate.symbol, "buy", fate.quantity, trace: "t") }
            let victims = try cases.map { try $0.0.serve("execution", failpoint: death.label) }
            try expectKilled(victims)
            let stages = try cases.map { try death.stage ?? stage($0.0, $0.1) }
            let heirs = try logs.map { try $0.serve("execution") }
            for (log, heir) in zip(logs, heirs) { _ = try log.wait(for: 1, "execution.result", [heir]) }
            for (log, heir) in zip(logs, heirs) { try log.stop(heir) }
            for ((log, fate), stage) in zip(cases, stages) { try expectEnd(log, fate, stage) }
        }
    }

    /// How far the dead process has come.
    private func stage(_ log: TradingLog, _ fate: Fate) throws -> Death.Stage {
        let kinds = Set(try log.records().map { $0.text("kind") })
        if kinds.contains("execution.result") { return .ended }
        guard kinds.contains("order.requested") else { return .delivered }
        let kind = fate.fault.map { String($0.split(separator: "\"")[3]) }
        let isMet = try kind.map { try log.exchange.hits($0) > 0 } ?? !log.exchange.orders(fate.symbol).isEmpty
        return isMet ? .sent : .requested
    }

    private func expectEnd(_ log: TradingLog, _ fate: Fate, _ stage: Death.Stage) throws {
        let judgement = try Judgement(log)
        try judgement.expectOnce([fate.symbol])
        let result = judgement.result("t")
        let orders = try log.exchange.orders(fate.symbol)
        let wanted: (String, String)
        switch stage {
        case .delivered, .ended: wanted = fate.end
        case .requested: wanted = ("failed", "not_found_after_horizon")
        // Who was told that it is refused is dead, and there is nothing to find.
        case .sent: wanted = fate == .rejected ? ("failed", "not_found_after_horizon") : fate.end
        }
        #expect(result.text("status") == wanted.0 && result.text("reason").hasPrefix(wanted.1), "\(fate) \(result)")
        let isThere = stage != .requested && fate != .lost && fate != .rejected
        #expect(orders.count == (isThere ? 1 : 0), "\(fate) \(stage): \(orders)")
        #expect(judgement.status.text("trading") == "ACTIVE", "no guard is left: \(judgement.status)")
    }
}
