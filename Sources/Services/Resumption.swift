// Ends a halt, where nothing speaks against it: the exchange is looked at now, the state is the log's, and nothing may
// have halted again between the look and the record.

package import Domain
package import EventLog
internal import Events
package import Exchange
package import Records

package enum Resumption {
    package enum Outcome: Equatable, Sendable {
        case notHalted
        case refused([String])
        case resumed(SequenceNumber, ends: SequenceNumber)
    }

    /// What the exchange shows; throws text where it does not say.
    @available(*, noasync)
    package static func look(_ exchange: any ExchangePort) throws -> FlatLook {
        let positions = try rows(exchange.ask(.positions(nil), .emergency), "positions")
        let orders = try rows(exchange.ask(.openOrders(nil), .emergency), "open orders")
        let algos = try rows(exchange.ask(.openAlgoOrders(nil), .emergency), "conditional orders")
        let open = positions.filter { !$0.quantity.isZero }.map { row in
            "\(row.symbol)\(row.positionSide == .both ? "" : " " + row.positionSide.rawValue) \(row.quantity)"
        }
        var resting: [String: Int] = [:]
        for symbol in orders.map(\.symbol) + algos.map(\.symbol) { resting[symbol, default: 0] += 1 }
        return FlatLook(
            open: open.sorted(), resting: resting.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
    }

    private static func rows<Row>(_ answer: Answer<Rows<Row>>, _ name: String) throws -> [Row] {
        switch answer {
        case .accepted(let rows) where rows.isComplete: return rows.readable
        case .accepted: throw CannotLook(description: "the exchange's \(name): a row cannot be read")
        case .rejected(let why): throw CannotLook(description: "the exchange's \(name): \(why)")
        case .throttled(let why): throw CannotLook(description: "the exchange's \(name): \(why)")
        case .unknown(let why): throw CannotLook(description: "the exchange's \(name): \(why)")
        case .notSent(let why): throw CannotLook(description: "the exchange's \(name): \(why)")
        }
    }

    package struct CannotLook: Error, CustomStringConvertible { package let description: String }

    /// - Parameter state: as of before the look.
    package static func resume(
        _ log: EventLog, _ request: ResumeRequest, _ state: State, _ policy: ResumePolicy, producer: String
    ) throws -> Outcome {
        var request = request
        // One ledger alone may lag: fills that nobody has told yet, a look of long ago.
        request.held = state.positions.open.filter { state.attested[$0.key]?.isOpen == true }
            .map { "\($0.key.symbol) \($0.position.quantity)" }
        if let completion = state.trading.panics.lastCompletion {
            request.millisecondsSinceCompletion = try RecordAge(log).milliseconds(since: completion.completedAt)
        }
        switch Resuming.decide(request, state.trading, policy) {
        case .notHalted: return .notHalted
        case .refused(let missing): return .refused(missing)
        case .resume(let ended): return try append(log, request, ended, asOf: state.asOf, producer)
        }
    }

    private static func append(
        _ log: EventLog, _ request: ResumeRequest, _ ended: SequenceNumber, asOf: SequenceNumber, _ producer: String
    ) throws -> Outcome {
        var resume = EventResume()
        resume.scope = .halt
        resume.operator = request.operator
        resume.reason = request.reason
        resume.endsSequence = ended.rawValue
        resume.overrideCooldown = request.overridesCooldown
        resume.acceptOpenRisk = request.acceptsOpenRisk
        let message = resume
        return try log.transact(.emergency) { transaction in
            if let newer = try halted(since: asOf, transaction) {
                return .refused(["record \(newer) halted again after the look: look again"])
            }
            let draft = try Drafts.resume(
                message, cause: ended, basis: asOf, producer: producer, at: transaction.now)
            switch try transaction.append(draft) {
            case .appended(let place): return .resumed(place.sequence, ends: ended)
            case .refused(let refusal): throw LogError.refused(refusal)
            case .duplicate, .conflict, .unknown: preconditionFailure("a resume has no key")
            }
        }
    }

    /// A trigger or a halt that nobody had seen when it was decided.
    private static func halted(
        since asOf: SequenceNumber, _ transaction: borrowing LogTransaction
    ) throws -> SequenceNumber? {
        var next = asOf.next
        while next <= transaction.head.sequence {
            if let kind = try transaction.record(next)?.header.kind,
                kind == EventKind.panicRequested.kind || kind == EventKind.halt.kind
            {
                return next
            }
            next = next.next
        }
        return nil
    }
}
