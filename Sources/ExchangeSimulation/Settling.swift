// What a trade does to an order and its account, and how orders end. The only place where holdings, wallets
// and the state of an order change; every change is reported to the user stream from here.

internal import Records

extension Venue {
    mutating func settle(_ id: Int64, _ lots: Lots, at price: Ticks, isMaker: Bool, tradeID: Int64) {
        guard var order = orders[id] else { return }
        precondition(lots > 0 && lots <= order.remaining, "a fill within the order")
        let market = rules[order.symbol]
        let notional = market.notional(price, lots)
        let fee = (notional * (isMaker ? VenueOptions.makerFee : VenueOptions.takerFee)).money
        let profit = accounts[order.account].holdings[order.symbol][order.leg.index]
            .trade(order.side, lots, at: price, market, serverTime)
        let wallet = accounts[order.account].wallet(market.quote)
        accounts[order.account].wallets[wallet].realised += profit
        accounts[order.account].wallets[wallet].fees += fee
        accounts[order.account].updatedAt = serverTime
        order.filled += lots
        order.quote += notional
        order.updatedAt = serverTime
        order.status = order.remaining == 0 ? .filled : .partiallyFilled
        orders[id] = order
        if order.status == .filled { close(order) }
        let fill = Fill(
            id: tradeID, order: id, symbol: order.symbol, side: order.side, leg: order.leg, price: price, lots: lots,
            realised: profit, fee: fee, maker: isMaker, time: serverTime)
        keep(fill, order.account)
        reportAccount(order.account, "ORDER", wallets: [wallet], holdings: [(order.symbol, order.leg)])
        report(id, Execution(fill))
        reportTradeLite(order, fill)
        if accounts[order.account].holdings[order.symbol][order.leg.index].isFlat || profit != .zero {
            endClosingOrders(order.account, order.symbol, order.leg, except: id)
        }
    }

    private mutating func keep(_ fill: Fill, _ account: Int) {
        accounts[account].fills.append(fill)
        if accounts[account].fills.count > Limits.simulatedFillsKeptMax {
            accounts[account].fills.removeFirst(Limits.simulatedFillsKeptMax / 2)
        }
    }

    /// Ends closing orders that have nothing left to close.
    /// - Parameter except: nil ends all of them, since another one takes their place.
    mutating func endClosingOrders(_ account: Int, _ symbol: Int, _ leg: PositionSide, except: Int64?) {
        for id in open[symbol] where id != except {
            guard let order = orders[id], order.account == account, order.leg == leg, order.closes else { continue }
            if except == nil || closable(order.side, leg, symbol, account) == 0 { end(id, .expired, .knockedOut) }
        }
    }

    /// Ends an open order without a trade.
    mutating func end(_ id: Int64, _ status: OrderStatus, _ reason: ExpiryReason) {
        guard var order = orders[id], order.status.isOpen else { return }
        order.status = status
        order.reason = reason
        order.updatedAt = serverTime
        orders[id] = order
        close(order)
        report(id, Execution(status == .cancelled ? "CANCELED" : "EXPIRED"))
    }

    private mutating func close(_ order: Order) {
        open[order.symbol].removeAll { $0 == order.id }
        finishAlgo(of: order)
    }

    mutating func cancelAll(_ account: Int, _ symbol: Int) {
        for id in open[symbol] where orders[id]?.account == account { end(id, .cancelled, .none) }
    }
}

// MARK: Margin

/// Tiers of leverage, the same for every symbol.
struct LeverageBracket: Sendable {
    let number: Int
    let leverage: Int
    let floor: Int64
    let cap: Int64
    /// In hundredths of a percent.
    let ratio: Int64
    let cumulated: Int64

    static let all = [
        LeverageBracket(number: 1, leverage: 125, floor: 0, cap: 50_000, ratio: 40, cumulated: 0),
        LeverageBracket(number: 2, leverage: 100, floor: 50_000, cap: 600_000, ratio: 50, cumulated: 50),
        LeverageBracket(number: 3, leverage: 75, floor: 600_000, cap: 3_000_000, ratio: 65, cumulated: 950),
        LeverageBracket(number: 4, leverage: 50, floor: 3_000_000, cap: 12_000_000, ratio: 100, cumulated: 11_450),
        LeverageBracket(number: 5, leverage: 25, floor: 12_000_000, cap: 70_000_000, ratio: 200, cumulated: 131_450),
        LeverageBracket(number: 6, leverage: 20, floor: 70_000_000, cap: 100_000_000, ratio: 250, cumulated: 481_450),
        LeverageBracket(
            number: 7, leverage: 10, floor: 100_000_000, cap: 230_000_000, ratio: 500, cumulated: 2_981_450),
        LeverageBracket(
            number: 8, leverage: 5, floor: 230_000_000, cap: 480_000_000, ratio: 1_000, cumulated: 14_481_450),
    ]

    static func cap(_ leverage: Int) -> Amount {
        Amount((all.last { $0.leverage >= leverage } ?? all[0]).cap)
    }

    static func maintenance(_ notional: Amount) -> Amount {
        let size = notional.magnitude
        let bracket = all.first { size <= Amount($0.cap) } ?? all[all.count - 1]
        return (size * Amount(bracket.ratio, exponent: -4) - Amount(bracket.cumulated)).money
    }
}

/// Sums of one wallet.
struct MarginSums: Sendable {
    var profit = Amount.zero
    var position = Amount.zero
    var orders = Amount.zero
    var maintenance = Amount.zero
}

extension Venue {
    func sums(_ account: Int, _ wallet: Int) -> MarginSums {
        var sums = MarginSums()
        let asset = accounts[account].wallets[wallet].asset
        for symbol in rules.indices where rules[symbol].quote == asset {
            for leg in PositionSide.allCases {
                let holding = accounts[account].holdings[symbol][leg.index]
                guard !holding.isFlat else { continue }
                let notional = holding.notional(at: markets[symbol].price, rules[symbol])
                sums.profit += holding.profit(at: markets[symbol].price, rules[symbol])
                sums.position += initialMargin(notional, account, symbol)
                sums.maintenance += LeverageBracket.maintenance(notional)
            }
            sums.orders += orderMargin(account, symbol)
        }
        return sums
    }

    func initialMargin(_ notional: Amount, _ account: Int, _ symbol: Int) -> Amount {
        notional.magnitude.divided(by: Amount(Int64(accounts[account].leverage[symbol]))).money
    }

    /// For orders that can add to a position.
    func orderMargin(_ account: Int, _ symbol: Int) -> Amount {
        open[symbol].reduce(Amount.zero) { sum, id in
            guard let order = orders[id], order.account == account, !order.closes, let price = order.price else {
                return sum
            }
            return sum + initialMargin(rules[symbol].notional(price, order.remaining), account, symbol)
        }
    }

    /// What new orders may use.
    func available(_ account: Int, _ wallet: Int) -> Amount {
        let sums = sums(account, wallet)
        return max(.zero, accounts[account].wallets[wallet].balance + sums.profit - sums.position - sums.orders)
    }
}
