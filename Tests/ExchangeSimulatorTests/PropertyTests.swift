// Laws of the venue under random requests. A failure prints the seed and the step.

import Events
import Testing

@testable import ExchangeSimulation

@Suite struct PropertyTests {
    static let steps = 400

    static func exchange(_ seed: UInt64) -> Exchange {
        Exchange(seed: seed, symbols: SymbolRules.catalogue.filter { $0.name == "BTCUSDT" }) {
            $0.moveEvery = 250
            $0.limits.ordersPerTenSeconds = 1_000_000
            $0.limits.ordersPerMinute = 1_000_000
            $0.limits.weightPerMinute = 1_000_000
        }
    }

    @Test(arguments: [false, true], [1, 2, 3, 4, 5, 6])
    func theBooksAreRightAfterEveryStep(isHedged: Bool, seed: UInt64) {
        var exchange = PropertyTests.exchange(seed)
        var workload = Workload(seed: seed, isHedged: isHedged)
        var auditor = Auditor(accounts: 2)
        workload.begin(&exchange)
        for step in 0..<PropertyTests.steps {
            let reply = workload.step(&exchange)
            if let problem = auditor.problem(exchange.venue) {
                Issue.record("seed \(seed), hedge \(isHedged), step \(step): \(problem); after \(reply)")
                return
            }
        }
        #expect(auditor.fills > 50, "a workload that hardly trades proves nothing")
        #expect(auditor.closings > 5)
    }

    @Test(arguments: [false, true])
    func theSameSeedAndInputsGiveTheSameBytes(isHedged: Bool) {
        func run(_ seed: UInt64) -> [String] {
            var exchange = PropertyTests.exchange(seed)
            var workload = Workload(seed: 11, isHedged: isHedged)
            workload.begin(&exchange)
            exchange.listen()
            exchange.call("POST", "v1/listenKey", key: "k2")
            var lines: [String] = []
            for _ in 0..<PropertyTests.steps {
                let reply = workload.step(&exchange)
                lines.append("\(reply.status) \(reply.headers.map { $0.name + $0.value }) \(reply.body)")
                lines += exchange.venue.takeStream().map { "\($0)" }
            }
            return lines
        }
        let first = run(1)
        #expect(first == run(1))
        #expect(first != run(2), "another seed is another market")
    }
}

/// Recomputes an account from its fills and looks for what cannot be.
struct Auditor {
    private var positions: [[Lots]]
    private var seen: [Int]
    private var filled: [Int64: Lots] = [:]
    private var realised: [Amount]
    private var fees: [Amount]
    private(set) var fills = 0
    private(set) var closings = 0

    init(accounts: Int) {
        positions = Array(repeating: [0, 0, 0], count: accounts)
        seen = Array(repeating: 0, count: accounts)
        realised = Array(repeating: .zero, count: accounts)
        fees = realised
    }

    /// What is wrong; nil where nothing is.
    mutating func problem(_ venue: Venue) -> String? {
        for account in venue.accounts.indices {
            if let problem = newFills(venue, account) ?? books(venue, account) { return problem }
        }
        return orders(venue)
    }

    private mutating func newFills(_ venue: Venue, _ account: Int) -> String? {
        let all = venue.accounts[account].fills
        for fill in all[seen[account]...] {
            guard let order = venue.orders[fill.order] else { return "a fill without an order" }
            let before = positions[account][fill.leg.index]
            let after = before + fill.lots * fill.side.sign
            positions[account][fill.leg.index] = after
            fills += 1
            filled[fill.order, default: 0] += fill.lots
            realised[account] += fill.realised
            fees[account] += fill.fee
            if order.closes {
                closings += 1
                if after.magnitude >= before.magnitude { return "closing order \(order.id) increased a position" }
                if before.value * after.value < 0 { return "closing order \(order.id) flipped a position" }
            }
            if let limit = order.price, (fill.price - limit).value * fill.side.sign > 0 {
                return "order \(order.id) was filled worse than its price"
            }
        }
        seen[account] = all.count
        return nil
    }

    private func books(_ venue: Venue, _ account: Int) -> String? {
        let owner = venue.accounts[account]
        guard let symbol = venue.symbolIndex["BTCUSDT"] else { return "no BTCUSDT" }
        for leg in PositionSide.allCases where owner.holdings[symbol][leg.index].lots != positions[account][leg.index] {
            return "position \(leg) is \(owner.holdings[symbol][leg.index].lots), its fills say \(positions[account])"
        }
        if owner.holdings[symbol][1].lots < 0 || owner.holdings[symbol][2].lots > 0 { return "a leg of the wrong sign" }
        let wallet = owner.wallets[owner.wallet("USDT")]
        guard wallet.balance == Amount(venue.options.balance) + realised[account] - fees[account] else {
            return "wallet \(wallet.balance) is not deposits + \(realised[account]) - \(fees[account])"
        }
        return nil
    }

    private func orders(_ venue: Venue) -> String? {
        var openIDs: Set<Venue.ClientKey> = []
        for (id, order) in venue.orders {
            if order.filled > order.quantity { return "order \(id) is overfilled" }
            if order.status.isOpen != venue.open[order.symbol].contains(id) {
                return "order \(id) and the open list differ"
            }
            if (order.status == .filled) != (order.remaining == 0) {
                return "order \(id): \(order.status), \(order.remaining) left"
            }
            if filled[id] ?? 0 != order.filled { return "order \(id) and its fills differ" }
            if order.status.isOpen, !openIDs.insert(.init(account: order.account, id: order.clientID)).inserted {
                return "client order id \(order.clientID) is open twice"
            }
        }
        return nil
    }
}
