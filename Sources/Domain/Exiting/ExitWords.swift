// What the closing of everything asks of the exchange, and what it is told: values, performed by the exit worker or by
// a simulation. Whoever performs them decides nothing. There is no effect that could open a position, and none must be
// added.

package import Events
package import Exchange
internal import Records

/// A symbol's position; in hedge mode one of its two legs.
package struct ExitPlace: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let symbol: SymbolName
    package let side: PositionSide

    package init(symbol: SymbolName, side: PositionSide) {
        self.symbol = symbol
        self.side = side
    }

    package static func < (a: ExitPlace, b: ExitPlace) -> Bool {
        (a.symbol.text, a.side.rawValue) < (b.symbol.text, b.side.rawValue)
    }

    package var description: String { side == .both ? symbol.text : "\(symbol.text) \(side.rawValue)" }
}

/// One market order that can only reduce. Its name follows from trigger, place and part, so that whoever goes on after
/// a crash gives it again.
package struct CloseOrder: Hashable, Sendable {
    package let place: ExitPlace
    /// From 1, within its place.
    package let part: UInt32
    package let side: OrderSide
    package let quantity: ExactDecimal
    package let clientOrderID: ClientOrderID

    package init(trigger: String, place: ExitPlace, part: UInt32, side: OrderSide, quantity: ExactDecimal) {
        self.place = place
        self.part = part
        self.side = side
        self.quantity = quantity
        clientOrderID = .ofClose(
            trigger: trigger, symbol: place.symbol, positionSide: place.side, part: part)
    }

    /// In hedge mode the sides say that it reduces, and the flag is not sent.
    package func order() throws(MessageError) -> NewOrder {
        try NewOrder(
            symbol: place.symbol, side: side, positionSide: place.side, quantity: quantity, terms: .market,
            reduceOnly: place.side == .both, clientOrderID: clientOrderID)
    }
}

/// What became of a close, for ever.
package struct ClosedOrder: Hashable, Sendable {
    package let state: EventOutcomeState
    package let executed: ExactDecimal
    package let averagePrice: ExactDecimal?
    /// 0: not known.
    package let exchangeOrderID: Int64
    package let errorCode: Int
    /// For people.
    package let reason: String

    package init(
        state: EventOutcomeState, executed: ExactDecimal, averagePrice: ExactDecimal?, exchangeOrderID: Int64,
        errorCode: Int, reason: String
    ) {
        self.state = state
        self.executed = executed
        self.averagePrice = averagePrice
        self.exchangeOrderID = exchangeOrderID
        self.errorCode = errorCode
        self.reason = reason
    }
}

/// A close of an earlier life of the run.
package struct ExitPast: Sendable {
    package let close: CloseOrder
    /// Nil: not known.
    package let end: ClosedOrder?
    /// All of them are journaled.
    package let hasTrades: Bool

    package init(close: CloseOrder, end: ClosedOrder?, hasTrades: Bool) {
        self.close = close
        self.end = end
        self.hasTrades = hasTrades
    }
}

package enum ExitEffect: Sendable {
    // Asked of the exchange; all may be asked again.
    /// Of the look with that number, which its answer gives back.
    case positions(Int)
    case openOrders(Int)
    case openAlgoOrders(Int)
    case lookUp(CloseOrder)
    case trades(CloseOrder, orderID: Int64)
    /// The account's trades in its symbol since it was journaled: the third witness of an order that nobody shows.
    case witness(CloseOrder)
    /// Commands: they lead to the same end however often they are sent.
    case cancelAll(SymbolName)
    case cancelAllAlgo(SymbolName)
    /// Journals the close, then sends it, once.
    case close(CloseOrder)
    /// The same order again, which for certain was not taken.
    case closeAgain(CloseOrder)

    /// For the journal.
    case note(CloseOrder, ClosedOrder)
    case noteTrades(CloseOrder, [AccountTrade])
    /// For people, as it happens.
    case tell(ExitNews)
}

package enum ExitNews: Hashable, Sendable {
    case found([ExitPlace: ExactDecimal])
    case closing(CloseOrder)
    case closed(CloseOrder, ClosedOrder)
    case refused(CloseOrder, String)
    case unknown(CloseOrder, String)
    case cannotLook(String)
    /// Nothing is open, by two looks.
    case flat
}

package enum ExitAnswer: Sendable {
    case positions(Int, Answer<Rows<PositionReport>>)
    case openOrders(Int, Answer<Rows<OrderReport>>)
    case openAlgoOrders(Int, Answer<Rows<AlgoOrderReport>>)
    case canceled(SymbolName, isAlgo: Bool, Answer<Void>)
    case closed(CloseOrder, Answer<OrderReport>)
    case lookedUp(CloseOrder, Answer<OrderReport>)
    case trades(CloseOrder, Answer<[AccountTrade]>)
    case witnessed(CloseOrder, Answer<[AccountTrade]>)
}

package struct ExitCompletion: Hashable, Sendable {
    package let positionsTotal: Int
    package let positionsClosed: Int
    package let positionsFailed: Int
    /// Sorted, each once. `UNKNOWN`: what is open could not be read.
    package let failedSymbols: [String]
    /// From the run's start to the last answer to a close.
    package let executionMilliseconds: Milliseconds

    package var isFlat: Bool { positionsFailed == 0 }
}

package struct ExitRules: Sendable {
    /// From the halt on, until an order that had left before it can be taken no more: recvWindow of opening orders,
    /// and a second.
    package var fenceMilliseconds = Milliseconds(Limits.openingRecvWindowMillisecondsMax) + 1_000
    /// A leg's close waits so long for the cancel of its resting orders.
    package var cancelWaitMilliseconds: Milliseconds = 300
    /// Closes wait so long for the rules of the symbols, where these were never read.
    package var instrumentsWaitMilliseconds: Milliseconds = 1_000
    /// An order or a question that is not answered by then is asked about beside it.
    package var patienceMilliseconds: Milliseconds = 2_000
    /// A run that is not flat by then is told so.
    package var runMilliseconds: Milliseconds = 120_000
    /// Beyond the fence: positions that the exchange goes on showing although their closes say otherwise.
    package var staleMilliseconds: Milliseconds = 10_000
    package var lookPauseMilliseconds: Milliseconds = 250
    package var lookPauseMillisecondsMax: Milliseconds = 5_000
    /// Before an order that nobody shows is called not found: not by its look-up, the position, or the account's trades.
    package var horizonMilliseconds =
        Milliseconds(Limits.recvWindowMillisecondsDefault + Limits.horizonMarginMillisecondsMin)
    /// The same, where position or trades leave a doubt, as where others trade on the account.
    package var doubtMilliseconds: Milliseconds = 600_000
    /// Between two look-ups beyond the horizon.
    package var doubtPauseMilliseconds: Milliseconds = 10_000

    package init() {}
}
