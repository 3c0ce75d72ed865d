// The lines of a run as the messages of records: what the recorder appends.

package import Events
internal import Exchange
package import Records

extension CloseOrder {
    /// - Parameters:
    ///   - panic: the trigger's record; it stands where an intent's request names its intent.
    ///   - number: of the close within its run.
    package func request(of panic: SequenceNumber, number: UInt32, _ policy: ExecutionPolicy) -> EventOrderRequested {
        var message = EventOrderRequested()
        message.intentSequence = panic.rawValue
        message.leg = number
        message.venue = policy.venue
        message.account = policy.account
        message.symbol = place.symbol.text
        message.side = side.event
        message.positionSide = place.side.event
        message.quantity = quantity.event
        message.reduceOnly = true
        message.clientOrderID = clientOrderID.text
        message.rule = ExitRun.rule
        message.configSequence = policy.configSequence.rawValue
        return message
    }
}

extension ClosedOrder {
    package func outcome(of request: SequenceNumber, _ close: CloseOrder) -> EventOrderOutcome {
        var message = EventOrderOutcome()
        message.requestSequence = request.rawValue
        message.symbol = close.place.symbol.text
        message.clientOrderID = close.clientOrderID.text
        message.state = state
        if exchangeOrderID > 0 { message.exchangeOrderID = String(exchangeOrderID) }
        message.executedQuantity = executed.event
        if let averagePrice { message.averagePrice = averagePrice.event }
        message.errorCode = Int32(clamping: errorCode)
        message.errorText = reason
        return message
    }
}

extension ExitEnd {
    package func completed(_ panic: SequenceNumber, eventID: String) -> EventPanicCompleted {
        var message = EventPanicCompleted()
        message.panicSequence = panic.rawValue
        message.eventID = eventID
        message.positionsTotal = UInt32(clamping: completion.positionsTotal)
        message.positionsClosed = UInt32(clamping: completion.positionsClosed)
        message.positionsFailed = UInt32(clamping: completion.positionsFailed)
        message.failedSymbols = completion.failedSymbols
        message.startedAtNs = startedAtNs
        message.completedAtNs = completedAtNs
        message.executionTimeMs = UInt64(max(0, completion.executionMilliseconds))
        return message
    }
}
