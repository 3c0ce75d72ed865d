// A simple feed: the account's trades by REST, one symbol after the other, through the notes that every feed uses. It
// stands in for the user stream and its scheduler; it must never invent a trade, nor say whose one is before it knows.

internal import Domain
internal import Events
internal import Exchange
internal import Records
internal import Services

final class Sweep {
    private let world: WorldParts
    private let line: SimulatedLine
    private let journal: ExecutionJournal
    private var nextID: [String: Int64] = [:]
    private var names: [Int64: String] = [:]
    private var place = 0
    /// Symbols that were read to their end since `markRead`.
    private var read: Set<String> = []

    init(_ world: WorldParts) {
        self.world = world
        line = SimulatedLine(world.exchange, world.time, client: "10.0.0.2")
        journal = ExecutionJournal(log: world.log, policy: world.policy, producer: "sweep")
    }

    func begin() { world.time.after(15_000) { try self.next() } }

    func markRead() { read = [] }
    var hasReadAll: Bool { read.count == world.plan.symbols.count }

    private func next() throws {
        let symbol = try SymbolName(world.plan.symbols[place % world.plan.symbols.count])
        place += 1
        line.ask(.accountTrades(symbol, .fromID(nextID[symbol.text] ?? 1))) { answer in
            if case .accepted(let trades) = answer { self.take(trades[...], symbol) }
        }
        world.time.after(15_000) { try self.next() }
    }

    /// In order; stops where an order's name is not known yet, and comes again.
    private func take(_ trades: ArraySlice<AccountTrade>, _ symbol: SymbolName) {
        guard let trade = trades.first else {
            read.insert(symbol.text)
            return
        }
        if let name = names[trade.orderID] {
            do {
                try journal.note(trade.notes(world.policy, clientOrderID: name, of: .none), traceID: "")
            } catch { return world.fail(error) }
            nextID[symbol.text] = trade.tradeID + 1
            return take(trades.dropFirst(), symbol)
        }
        line.ask(.order(symbol, .exchangeID(trade.orderID))) { answer in
            guard case .accepted(let report) = answer else { return }
            self.names[trade.orderID] = report.clientOrderID
            self.take(trades, symbol)
        }
    }
}
