// The router's rule: a decision becomes an intent, or a refusal with its reason. Pure, so that an audit can
// compute it again from the log: all that it uses is the decision, its sequence and the policy.
// It never asks whether trading is halted: guards are decided by the log, inside the transaction. What
// must never be added: a way in which closing risk is refused for low confidence or for want of a size.

package import Events
package import Records

/// The settings that the router's rule uses, and the record that holds them.
package struct RoutingPolicy: Hashable, Sendable {
    package struct SymbolSize: Hashable, Sendable {
        package let symbol: String
        /// In US dollars, greater than zero.
        package let sizeUSD: ExactDecimal
        package init(symbol: String, sizeUSD: ExactDecimal) {
            self.symbol = symbol
            self.sizeUSD = sizeUSD
        }
    }

    /// `router.confidence_min`, 0…1.
    package let confidenceMin: ExactDecimal
    /// Refuse opening decisions that give no confidence.
    package let confidenceRequired: Bool
    /// `sizing.default_usd`; nil: a decision without a size is refused.
    package let defaultSizeUSD: ExactDecimal?
    /// Overrides of the default, sorted by symbol.
    package let sizeUSDBySymbol: [SymbolSize]
    /// The `config.applied` record that holds these settings.
    package let configSequence: SequenceNumber

    package init(
        confidenceMin: ExactDecimal, confidenceRequired: Bool, defaultSizeUSD: ExactDecimal?,
        sizeUSDBySymbol: [SymbolSize], configSequence: SequenceNumber
    ) {
        self.confidenceMin = confidenceMin
        self.confidenceRequired = confidenceRequired
        self.defaultSizeUSD = defaultSizeUSD
        self.sizeUSDBySymbol = sizeUSDBySymbol.sorted { $0.symbol < $1.symbol }
        self.configSequence = configSequence
    }

    /// What a decision without a size gets.
    fileprivate func sizeUSD(of symbol: String) -> ExactDecimal? {
        sizeUSDBySymbol.first { $0.symbol == symbol }?.sizeUSD ?? defaultSizeUSD
    }
}

package enum RoutingVerdict: Hashable, Sendable {
    case intent(EventTradeIntent)
    /// The detail is for people.
    case refused(EventDecisionRefusalReason, detail: String)
}

package enum Routing {
    /// Name and version, as records and audits name it. Another outcome for any input is a new version.
    package static let rule = "router/1"

    package static func route(
        decision: EventDecision, sequence: SequenceNumber, policy: RoutingPolicy
    ) -> RoutingVerdict {
        switch decision.action {
        case .hold: return .refused(.hold, detail: "the decision is to hold")
        case .unspecified, .UNRECOGNIZED:
            return .refused(.unreadable, detail: "the decision names no action that is known")
        case .close: return .intent(closing(decision, sequence, policy))
        case .buy, .sell: break
        }
        if let refusal = confidenceRefusal(decision, policy) { return refusal }
        return sized(decision, sequence, policy)
    }

    /// Closing risk is never refused for low confidence: neither CLOSE nor what is reduce-only.
    private static func confidenceRefusal(_ decision: EventDecision, _ policy: RoutingPolicy) -> RoutingVerdict? {
        if decision.reduceOnly { return nil }
        guard decision.hasConfidence else {
            guard policy.confidenceRequired else { return nil }
            return .refused(
                .noConfidence, detail: "the decision gives no confidence, and router.confidence_required is set")
        }
        do throws(DecimalError) {
            let confidence = try ExactDecimal(decision.confidence)
            if confidence >= policy.confidenceMin { return nil }
            let detail = "confidence \(confidence) is below router.confidence_min \(policy.confidenceMin)"
            return .refused(.lowConfidence, detail: detail)
        } catch {
            return .refused(.unreadable, detail: "confidence: \(error)")
        }
    }

    /// The whole position, as execution finds it.
    private static func closing(
        _ decision: EventDecision, _ sequence: SequenceNumber, _ policy: RoutingPolicy
    ) -> EventTradeIntent {
        var intent = carriedOver(decision, sequence, policy)
        intent.reduceOnly = true
        intent.sizedBy = .position
        intent.reason = "close the position"
        return intent
    }

    private static func sized(
        _ decision: EventDecision, _ sequence: SequenceNumber, _ policy: RoutingPolicy
    ) -> RoutingVerdict {
        var intent = carriedOver(decision, sequence, policy)
        if decision.hasQuantity {
            intent.quantity = decision.quantity
            intent.sizedBy = .decisionQuantity
            intent.reason = "the decision's quantity"
        } else if decision.hasPositionSizeUsd {
            intent.positionSizeUsd = decision.positionSizeUsd
            intent.sizedBy = .decisionUsd
            intent.reason = "the decision's size in US dollars"
        } else if let size = policy.sizeUSD(of: decision.symbol) {
            intent.positionSizeUsd = size.event
            intent.sizedBy = .config
            intent.reason = "sized_by: config, \(size) US dollars"
        } else {
            return .refused(
                .noSize, detail: "neither quantity nor position_size_usd is given, and sizing.default_usd is not set")
        }
        return .intent(intent)
    }

    /// What an intent takes from its decision whatever its size.
    private static func carriedOver(
        _ decision: EventDecision, _ sequence: SequenceNumber, _ policy: RoutingPolicy
    ) -> EventTradeIntent {
        var intent = EventTradeIntent()
        intent.decisionSequence = sequence.rawValue
        intent.symbol = decision.symbol
        intent.action = decision.action
        if decision.hasEntryPrice { intent.entryPrice = decision.entryPrice }
        if decision.hasStopLoss { intent.stopLoss = decision.stopLoss }
        if decision.hasTakeProfit { intent.takeProfit = decision.takeProfit }
        if decision.hasConfidence { intent.confidence = decision.confidence }
        intent.leverage = decision.leverage
        intent.reduceOnly = decision.reduceOnly
        intent.positionSide = decision.positionSide
        if decision.hasPair { intent.pair = decision.pair }
        intent.members = decision.members
        intent.correlationID = decision.correlationID
        intent.model = decision.model
        intent.rule = rule
        intent.configSequence = policy.configSequence.rawValue
        return intent
    }
}
