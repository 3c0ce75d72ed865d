// What the execution of an intent asks of the world, and what the world says: one question, one answer, each of
// them a value. Who performs them (a service, a simulation) decides nothing.

package import Events
package import Exchange
package import Records

/// One order that an intent needs, before it is a request.
package struct OrderPlan: Hashable, Sendable {
    /// From 1; a request's key is the intent's sequence and this.
    package let leg: UInt32
    package let symbol: SymbolName
    package let side: OrderSide
    package let positionSide: PositionSide
    /// Of the symbol's step.
    package let quantity: ExactDecimal
    /// It may not increase risk. In hedge mode the sides say it, and the flag is not sent.
    package let reduceOnly: Bool
    /// What sized it; nil: nothing was asked.
    package var price: ExactDecimal?
    package var holding: ExactDecimal?

    /// As the exchange sees it: what it is stamped for depends on it.
    package var canOnlyReduce: Bool {
        switch positionSide {
        case .both: reduceOnly
        case .long: side == .sell
        case .short: side == .buy
        }
    }

    package init(
        leg: UInt32, symbol: SymbolName, side: OrderSide, positionSide: PositionSide, quantity: ExactDecimal,
        reduceOnly: Bool, price: ExactDecimal? = nil, holding: ExactDecimal? = nil
    ) {
        self.leg = leg
        self.symbol = symbol
        self.side = side
        self.positionSide = positionSide
        self.quantity = quantity
        self.reduceOnly = reduceOnly
        self.price = price
        self.holding = holding
    }
}

/// A request that stands in the log.
package struct RequestedOrder: Hashable, Sendable {
    package let sequence: SequenceNumber
    package let plan: OrderPlan
    package let clientOrderID: ClientOrderID
    /// By the clock of the answers' `at`.
    package let requestedAt: Milliseconds
    /// Its final outcome, where it has one.
    package let settled: SettledOrder?

    package init(
        sequence: SequenceNumber, plan: OrderPlan, clientOrderID: ClientOrderID, requestedAt: Milliseconds,
        settled: SettledOrder?
    ) {
        self.sequence = sequence
        self.plan = plan
        self.clientOrderID = clientOrderID
        self.requestedAt = requestedAt
        self.settled = settled
    }
}

/// What became of a request, for ever.
package struct SettledOrder: Hashable, Sendable {
    package let state: EventOutcomeState
    package let exchangeOrderID: String
    package let executed: ExactDecimal
    package let averagePrice: ExactDecimal?
    /// For people.
    package let reason: String

    package init(
        state: EventOutcomeState, exchangeOrderID: String, executed: ExactDecimal, averagePrice: ExactDecimal?,
        reason: String
    ) {
        self.state = state
        self.exchangeOrderID = exchangeOrderID
        self.executed = executed
        self.averagePrice = averagePrice
        self.reason = reason
    }
}

/// A moment of the performer's monotonic clock, in milliseconds.
package typealias Milliseconds = Int64

package enum ExecutionEffect: Hashable, Sendable {
    // Asked of the exchange; all may be asked again.
    case instrument(SymbolName)
    case price(SymbolName)
    case holdings(SymbolName)
    case lookUp(SymbolName, ClientOrderID)
    case trades(SymbolName, orderID: Int64)
    /// Whether anything beside the look-up has seen the order: the user stream, open orders, trades, positions.
    case witnesses(RequestedOrder)
    /// Commands: they lead to the same end however often they are sent.
    case leverage(SymbolName, Int)
    case cancel(SymbolName, ClientOrderID)
    /// Sends the order whose request this process has just committed. Never asked for any other.
    case place(RequestedOrder)

    // Asked of the log.
    /// How many orders were requested in the last minute.
    case ordersOfTheLastMinute
    /// Appends the request; its guards are decided there.
    case request(OrderPlan)
    /// Appends on the way.
    case note([ExecutionNote])
    /// Appends, with the end of the intent, and acknowledges it, in one transaction.
    case conclude([ExecutionNote], EventExecutionResult)

    case pause(Milliseconds)
    /// Nothing is left to do.
    case finished
}

/// What is appended beside a result.
package enum ExecutionNote: Hashable, Sendable {
    case outcome(EventOrderOutcome)
    /// With the request that it belongs to.
    case fill(EventFill, SequenceNumber)
    case detail(EventFillDetail, SequenceNumber)
    case reducing(EventReducingRaised)
}

package enum ExecutionAnswer: Equatable, Sendable {
    /// Nil: the exchange does not list it.
    case instrument(Instrument?)
    case price(ExactDecimal)
    case holdings([PositionReport], isHedgeMode: Bool)
    case count(Int)
    case done
    /// The exchange did not answer usably; it may be asked again.
    case unanswered(String)
    /// It said no to a command.
    case declined(String)
    case committed(RequestedOrder)
    /// The request stood in the log already: this process did not commit it and may not send it.
    case stoodAlready(RequestedOrder)
    case requestRefused(reason: String, detail: String)
    case placed(Answer<OrderReport>)
    case lookedUp(Answer<OrderReport>)
    case trades([AccountTrade])
    case seen(String)
    case notSeen
}
