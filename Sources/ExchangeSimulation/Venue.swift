// The venue: one state machine for everything that the exchange would know. Inputs are methods that are given
// the time; outputs are answers and stream messages. It must never read a clock, touch a socket, use another
// source of chance than its seed, or iterate over an unordered container.

internal import Records

package struct Venue: Sendable {
    package internal(set) var options: VenueOptions
    let rules: [SymbolRules]
    let symbolIndex: [String: Int]
    let assets: [String]
    let startedAt: Milliseconds

    var now: Milliseconds
    /// The server's clock, less the true one.
    var clockOffset: Milliseconds = 0
    var markets: [Market]
    var nextMoveAt: Milliseconds
    var generator: SeededGenerator

    var accounts: [Account] = []
    var accountIndex: [String: Int] = [:]
    var clients: [String: ClientUse] = [:]

    var orders: [Int64: Order] = [:]
    /// By symbol, in the order of arrival.
    var open: [[Int64]]
    /// All orders by number, oldest first: what is dropped when there are too many.
    var orderLog: [Int64] = []
    /// Account and client order id → orders, oldest first.
    var clientIDs: [ClientKey: [Int64]] = [:]
    var algos: [Int64: AlgoOrder] = [:]
    var openAlgos: [Int64] = []
    var algoClientIDs: [ClientKey: [Int64]] = [:]
    var nextOrderID: Int64 = 1_000_001
    var nextAlgoID: Int64 = 2_000_001
    var nextTradeID: Int64 = 1

    /// Of the request that is being carried out.
    var context = RequestContext()
    var faults: [Fault] = []
    var streamFaults: [StreamFault] = []
    var outbox: [StreamOutput] = []
    /// What a fault holds back until the next message of the same stream.
    var swapped: [String: StreamOutput] = [:]

    struct ClientKey: Hashable, Sendable {
        let account: Int
        let id: String
    }

    package init(_ options: VenueOptions, symbols: [SymbolRules], startedAt: Milliseconds) {
        self.options = options
        rules = symbols
        self.startedAt = startedAt
        now = startedAt
        nextMoveAt = startedAt + max(1, options.moveEvery)
        var index: [String: Int] = [:]
        for (place, rules) in symbols.enumerated() { index[rules.name] = place }
        symbolIndex = index
        assets = symbols.reduce(into: []) { assets, rules in
            if !assets.contains(rules.quote) { assets.append(rules.quote) }
        }
        var market = MarketOptions()
        market.levels = options.levels
        market.levelNotional = options.levelNotional
        market.moveMax = options.moveMax
        generator = SeededGenerator(seed: options.seed)
        markets = symbols.enumerated().map { place, rules in
            Market(rules, options: market, seed: SeededGenerator.mixed(options.seed &+ UInt64(place) &* 7_919))
        }
        open = Array(repeating: [], count: symbols.count)
        for credential in options.accounts { _ = makeAccount(credential.key) }
    }

    /// What clients see as the time.
    var serverTime: Milliseconds { now + clockOffset }

    @discardableResult
    mutating func makeAccount(_ key: String) -> Int {
        var account = Account(key: key, assets: assets, balance: Amount(options.balance), symbols: rules.count)
        // ccxt takes an asset that was never updated for one without a valid balance.
        account.updatedAt = serverTime
        accounts.append(account)
        accountIndex[key] = accounts.count - 1
        return accounts.count - 1
    }

    /// What the stream has to send since the last call, in order.
    package mutating func takeStream() -> [StreamOutput] {
        defer { outbox.removeAll(keepingCapacity: true) }
        return outbox
    }
}

extension Venue {
    /// Lets time pass: prices move, timers run out. Time never goes back.
    package mutating func advance(to time: Milliseconds) {
        guard time > now else { return }
        movePrices(until: time)
        now = max(now, time)
        runCountdowns()
        expireDates()
        expireListenKeys()
    }

    private mutating func movePrices(until time: Milliseconds) {
        guard options.moveEvery > 0, nextMoveAt <= time else { return }
        let due = (time - nextMoveAt) / options.moveEvery + 1
        let skipped = max(0, due - Limits.simulatedMovesPerAdvanceMax)
        nextMoveAt += skipped * options.moveEvery
        while nextMoveAt <= time {
            now = max(now, nextMoveAt)
            for symbol in markets.indices {
                markets[symbol].move()
                priceChanged(symbol)
            }
            nextMoveAt += options.moveEvery
        }
    }

    /// What a new price sets off: conditional orders, then resting ones.
    mutating func priceChanged(_ symbol: Int) {
        triggerAlgos(symbol)
        matchResting(symbol)
    }

    private mutating func runCountdowns() {
        for account in accounts.indices where !accounts[account].countdowns.isEmpty {
            let due = accounts[account].countdowns.filter { $0.value <= now }.keys.sorted()
            for symbol in due {
                accounts[account].countdowns[symbol] = nil
                cancelAll(account, symbol)
                if options.countdownTakesAlgos { cancelAllAlgos(account, symbol) }
            }
        }
    }

    private mutating func expireDates() {
        for symbol in open.indices {
            for id in open[symbol] {
                guard let order = orders[id], order.goodTill > 0, order.goodTill <= serverTime else { continue }
                end(id, .expired, .date)
            }
        }
    }

    private mutating func expireListenKeys() {
        for account in accounts.indices {
            guard let key = accounts[account].listenKey, key.expiresAt <= now else { continue }
            expire(key, of: account)
        }
    }
}
