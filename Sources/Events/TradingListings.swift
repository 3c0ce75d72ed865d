// The named values of the kinds from a decision to a position; see Listing.

extension EventDecision {
    var listing: Listing {
        var list = Listing()
        list.text("symbol", symbol)
        list.word("action", action)
        list.decimal("quantity", hasQuantity ? quantity : nil)
        list.decimal("position_size_usd", hasPositionSizeUsd ? positionSizeUsd : nil)
        list.decimal("confidence", hasConfidence ? confidence : nil)
        list.decimal("entry_price", hasEntryPrice ? entryPrice : nil)
        list.decimal("stop_loss", hasStopLoss ? stopLoss : nil)
        list.decimal("take_profit", hasTakeProfit ? takeProfit : nil)
        list.count("leverage", leverage)
        list.flag("reduce_only", reduceOnly)
        list.word("position_side", positionSide)
        list.pair(hasPair ? pair : nil)
        list.time("produced_at", producedAtNs)
        list.text("model", model)
        list.text("correlation_id", correlationID)
        list.text("source", source)
        list.members(members)
        return list
    }
}

extension EventDecisionRefused {
    var listing: Listing {
        var list = Listing()
        list.count("decision_sequence", decisionSequence)
        list.word("reason", reason)
        list.text("detail", detail)
        list.text("symbol", symbol)
        list.word("action", action)
        list.count("refers_to", refersTo)
        list.text("rule", rule)
        list.count("config_sequence", configSequence)
        return list
    }
}

extension EventTradeIntent {
    var listing: Listing {
        var list = Listing()
        list.count("decision_sequence", decisionSequence)
        list.text("symbol", symbol)
        list.word("action", action)
        list.decimal("quantity", hasQuantity ? quantity : nil)
        list.decimal("position_size_usd", hasPositionSizeUsd ? positionSizeUsd : nil)
        list.word("sized_by", sizedBy)
        list.decimal("confidence", hasConfidence ? confidence : nil)
        list.decimal("entry_price", hasEntryPrice ? entryPrice : nil)
        list.decimal("stop_loss", hasStopLoss ? stopLoss : nil)
        list.decimal("take_profit", hasTakeProfit ? takeProfit : nil)
        list.count("leverage", leverage)
        list.flag("reduce_only", reduceOnly)
        list.word("position_side", positionSide)
        list.pair(hasPair ? pair : nil)
        list.text("reason", reason)
        list.text("rule", rule)
        list.count("config_sequence", configSequence)
        list.text("model", model)
        list.text("correlation_id", correlationID)
        list.members(members)
        return list
    }
}

extension EventExecutionResult {
    var listing: Listing {
        var list = Listing()
        list.count("intent_sequence", intentSequence)
        list.text("symbol", symbol)
        list.word("side", side)
        list.word("status", state)
        list.text("reason", reason)
        list.text("order_id", orderID)
        list.decimal("filled_quantity", hasFilledQuantity ? filledQuantity : nil)
        list.decimal("average_price", hasAveragePrice ? averagePrice : nil)
        list.pair(hasPair ? pair : nil)
        list.decimal("unhedged_quantity_ms", hasUnhedgedQuantityMs ? unhedgedQuantityMs : nil)
        list.time("produced_at", producedAtNs)
        list.members(members)
        return list
    }
}

extension EventOrderRequested {
    var listing: Listing {
        var list = Listing()
        list.count("intent_sequence", intentSequence)
        list.total("leg", leg)
        list.text("venue", venue)
        list.text("account", account)
        list.text("symbol", symbol)
        list.word("side", side)
        list.word("position_side", positionSide)
        list.decimal("quantity", hasQuantity ? quantity : nil)
        list.decimal("price", hasPrice ? price : nil)
        list.flag("reduce_only", reduceOnly)
        list.text("client_order_id", clientOrderID)
        list.decimal("sized_at_price", hasSizedAtPrice ? sizedAtPrice : nil)
        list.decimal("sized_by_position", hasSizedByPosition ? sizedByPosition : nil)
        list.text("rule", rule)
        list.count("config_sequence", configSequence)
        return list
    }
}

extension EventOrderOutcome {
    var listing: Listing {
        var list = Listing()
        list.count("request_sequence", requestSequence)
        list.text("symbol", symbol)
        list.text("client_order_id", clientOrderID)
        list.word("state", state)
        list.text("exchange_order_id", exchangeOrderID)
        list.decimal("executed_quantity", hasExecutedQuantity ? executedQuantity : nil)
        list.decimal("average_price", hasAveragePrice ? averagePrice : nil)
        if errorCode != 0 { list.add("error_code", .whole(Int64(errorCode))) }
        list.text("error_text", errorText)
        list.flag("given_up", givenUp)
        return list
    }
}

extension EventFill {
    var listing: Listing {
        var list = Listing()
        list.text("venue", venue)
        list.text("account", account)
        list.text("symbol", symbol)
        list.text("trade_id", tradeID)
        list.text("order_id", orderID)
        list.text("client_order_id", clientOrderID)
        list.word("side", side)
        list.word("position_side", positionSide)
        list.decimal("quantity", hasQuantity ? quantity : nil)
        list.decimal("price", hasPrice ? price : nil)
        list.decimal("fee", hasFee ? fee : nil)
        list.text("fee_asset", feeAsset)
        list.time("traded_at", tradedAtNs)
        return list
    }
}

extension EventFillDetail {
    var listing: Listing {
        var list = Listing()
        list.text("venue", venue)
        list.text("account", account)
        list.text("symbol", symbol)
        list.text("trade_id", tradeID)
        list.decimal("fee", hasFee ? fee : nil)
        list.text("fee_asset", feeAsset)
        list.decimal("realised_profit", hasRealisedProfit ? realisedProfit : nil)
        return list
    }
}

extension EventPositionAttested {
    var listing: Listing {
        var list = Listing()
        list.text("venue", venue)
        list.text("account", account)
        list.text("symbol", symbol)
        list.word("position_side", positionSide)
        list.decimal("quantity", hasQuantity ? quantity : nil)
        list.decimal("entry_price", hasEntryPrice ? entryPrice : nil)
        list.time("attested_at", attestedAtNs)
        return list
    }
}

extension Listing {
    fileprivate mutating func pair(_ pair: EventPair?) {
        guard let pair else { return }
        text("pair_y", pair.symbolY)
        word("side_y", pair.sideY)
        decimal("ratio", pair.hasRatio ? pair.ratio : nil)
    }
}
