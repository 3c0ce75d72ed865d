// Account, balances and positions as REST shows them, in the versions that clients ask for.

internal import Events

extension Venue {
    /// Version 3: only what is held or has an open order.
    func positionRisk3(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let wanted = try optionalSymbol(parameters)
        return .array(rows(account, wanted: wanted).filter { isShown($0, account) }.map { positionRisk3($0, account) })
    }

    func positionRisk2(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let wanted = try optionalSymbol(parameters)
        return .array(rows(account, wanted: wanted).map { positionRisk2($0, account) })
    }

    typealias Row = (symbol: Int, leg: PositionSide)

    private func rows(_ account: Int, wanted: Int?) -> [Row] {
        rules.indices.filter { wanted == nil || $0 == wanted }.flatMap { symbol in
            accounts[account].legs.map { (symbol, $0) }
        }
    }

    private func isShown(_ row: Row, _ account: Int) -> Bool {
        !accounts[account].holdings[row.symbol][row.leg.index].isFlat
            || open[row.symbol].contains { orders[$0]?.account == account && orders[$0]?.leg == row.leg }
    }

    /// What every version says of a position.
    private struct Figures {
        let amount, entry, mark, profit, notional, initial, maintenance, orders, isolated, liquidation: String
    }

    private func figures(_ row: Row, _ account: Int) -> Figures {
        let (market, owner) = (rules[row.symbol], accounts[account])
        let holding = owner.holdings[row.symbol][row.leg.index]
        let mark = markets[row.symbol].price
        let notional = holding.notional(at: mark, market)
        let initial = initialMargin(notional, account, row.symbol)
        let isFirst = row.leg == owner.legs[0]
        return Figures(
            amount: market.quantityText(holding.lots), entry: holding.entry(market).text(places: market.pricePlaces),
            mark: market.priceAmount(mark).moneyText, profit: holding.profit(at: mark, market).moneyText,
            notional: notional.moneyText, initial: initial.moneyText,
            maintenance: (holding.isFlat ? .zero : LeverageBracket.maintenance(notional)).moneyText,
            orders: (isFirst ? orderMargin(account, row.symbol) : .zero).moneyText,
            isolated: (owner.isIsolated[row.symbol] ? initial : .zero).moneyText,
            liquidation: liquidation(holding, account, row.symbol))
    }

    /// The price at which the whole wallet would be used up; simple: this position alone.
    private func liquidation(_ holding: Holding, _ account: Int, _ symbol: Int) -> String {
        guard !holding.isFlat else { return "0" }
        let market = rules[symbol]
        let wallet = accounts[account].wallets[accounts[account].wallet(market.quote)].balance
        let room = wallet.divided(by: market.quantityAmount(holding.lots))
        return max(.zero, holding.entry(market) - room).text(places: market.pricePlaces)
    }

    private func positionRisk3(_ row: Row, _ account: Int) -> JSONValue {
        let figures = figures(row, account)
        return object([
            "symbol": .string(rules[row.symbol].name), "positionSide": .string(row.leg.rawValue),
            "positionAmt": .string(figures.amount), "entryPrice": .string(figures.entry),
            "breakEvenPrice": .string(figures.entry), "markPrice": .string(figures.mark),
            "unRealizedProfit": .string(figures.profit), "liquidationPrice": .string(figures.liquidation),
            "isolatedMargin": .string(figures.isolated), "notional": .string(figures.notional),
            "marginAsset": .string(rules[row.symbol].quote), "isolatedWallet": .string(figures.isolated),
            "initialMargin": .string(figures.initial), "maintMargin": .string(figures.maintenance),
            "positionInitialMargin": .string(figures.initial), "openOrderInitialMargin": .string(figures.orders),
            "adl": .int(0), "bidNotional": .string("0"), "askNotional": .string("0"),
            "updateTime": .int(updated(row, account)),
        ])
    }

    private func positionRisk2(_ row: Row, _ account: Int) -> JSONValue {
        let figures = figures(row, account)
        return object([
            "symbol": .string(rules[row.symbol].name), "positionAmt": .string(figures.amount),
            "entryPrice": .string(figures.entry), "breakEvenPrice": .string(figures.entry),
            "markPrice": .string(figures.mark), "unRealizedProfit": .string(figures.profit),
            "liquidationPrice": .string(figures.liquidation), "leverage": .string(leverageText(row, account)),
            "maxNotionalValue": .string(maxNotional(row, account)),
            "marginType": .string(accounts[account].isIsolated[row.symbol] ? "isolated" : "cross"),
            "isolatedMargin": .string(figures.isolated), "isAutoAddMargin": .string("false"),
            "positionSide": .string(row.leg.rawValue), "notional": .string(figures.notional),
            "isolatedWallet": .string(figures.isolated), "updateTime": .int(updated(row, account)),
        ])
    }

    private func updated(_ row: Row, _ account: Int) -> Milliseconds {
        accounts[account].holdings[row.symbol][row.leg.index].updatedAt
    }

    private func leverageText(_ row: Row, _ account: Int) -> String { String(accounts[account].leverage[row.symbol]) }

    private func maxNotional(_ row: Row, _ account: Int) -> String {
        LeverageBracket.cap(accounts[account].leverage[row.symbol]).description
    }

    // MARK: Account and balance

    func account3(_ account: Int) -> JSONValue {
        totals(account).adding([
            "assets": .array(accounts[account].wallets.indices.map { asset($0, account) }),
            "positions": .array(
                rows(account, wanted: nil).filter { isShown($0, account) }.map { position3($0, account) }),
        ])
    }

    func account2(_ account: Int) -> JSONValue {
        guard case .object(let members) = totals(account) else { preconditionFailure("totals are an object") }
        let front = settings(account, isConfiguration: false)
        guard case .object(let first) = front else { preconditionFailure("settings are an object") }
        return JSONValue.object(first + members).adding([
            "assets": .array(
                accounts[account].wallets.indices.map { asset($0, account).adding(["marginAvailable": .bool(true)]) }),
            "positions": .array(rows(account, wanted: nil).map { position2($0, account) }),
        ])
    }

    func settings(_ account: Int, isConfiguration: Bool) -> JSONValue {
        let front = object([
            "feeTier": .int(0), "canTrade": .bool(true), "canDeposit": .bool(true), "canWithdraw": .bool(true),
        ])
        let mode =
            isConfiguration
            ? front.adding(["dualSidePosition": .bool(accounts[account].isHedged)])
            : front.adding(["feeBurn": .bool(false)])
        return mode.adding([
            "updateTime": .int(accounts[account].updatedAt), "multiAssetsMargin": .bool(false),
            "tradeGroupId": .int(-1),
        ])
    }

    private func totals(_ account: Int) -> JSONValue {
        var (all, wallet, free) = (MarginSums(), Amount.zero, Amount.zero)
        for index in accounts[account].wallets.indices {
            let sums = sums(account, index)
            wallet += accounts[account].wallets[index].balance
            free += available(account, index)
            all.profit += sums.profit
            all.position += sums.position
            all.orders += sums.orders
            all.maintenance += sums.maintenance
        }
        return object([
            "totalInitialMargin": .money(all.position + all.orders), "totalMaintMargin": .money(all.maintenance),
            "totalWalletBalance": .money(wallet), "totalUnrealizedProfit": .money(all.profit),
            "totalMarginBalance": .money(wallet + all.profit), "totalPositionInitialMargin": .money(all.position),
            "totalOpenOrderInitialMargin": .money(all.orders), "totalCrossWalletBalance": .money(wallet),
            "totalCrossUnPnl": .money(all.profit), "availableBalance": .money(free),
            "maxWithdrawAmount": .money(min(free, wallet)),
        ])
    }

    private func asset(_ index: Int, _ account: Int) -> JSONValue {
        let wallet = accounts[account].wallets[index]
        let sums = sums(account, index)
        let free = available(account, index)
        return object([
            "asset": .string(wallet.asset), "walletBalance": .money(wallet.balance),
            "unrealizedProfit": .money(sums.profit), "marginBalance": .money(wallet.balance + sums.profit),
            "maintMargin": .money(sums.maintenance), "initialMargin": .money(sums.position + sums.orders),
            "positionInitialMargin": .money(sums.position), "openOrderInitialMargin": .money(sums.orders),
            "crossWalletBalance": .money(wallet.balance), "crossUnPnl": .money(sums.profit),
            "availableBalance": .money(free), "maxWithdrawAmount": .money(min(free, wallet.balance)),
            "updateTime": .int(accounts[account].updatedAt),
        ])
    }

    private func position3(_ row: Row, _ account: Int) -> JSONValue {
        let figures = figures(row, account)
        return object([
            "symbol": .string(rules[row.symbol].name), "positionSide": .string(row.leg.rawValue),
            "positionAmt": .string(figures.amount), "unrealizedProfit": .string(figures.profit),
            "isolatedMargin": .string(figures.isolated), "notional": .string(figures.notional),
            "isolatedWallet": .string(figures.isolated), "initialMargin": .string(figures.initial),
            "maintMargin": .string(figures.maintenance), "updateTime": .int(updated(row, account)),
        ])
    }

    private func position2(_ row: Row, _ account: Int) -> JSONValue {
        let figures = figures(row, account)
        return object([
            "symbol": .string(rules[row.symbol].name), "initialMargin": .string(figures.initial),
            "maintMargin": .string(figures.maintenance), "unrealizedProfit": .string(figures.profit),
            "positionInitialMargin": .string(figures.initial), "openOrderInitialMargin": .string(figures.orders),
            "leverage": .string(leverageText(row, account)),
            "isolated": .bool(accounts[account].isIsolated[row.symbol]), "entryPrice": .string(figures.entry),
            "breakEvenPrice": .string(figures.entry), "maxNotional": .string(maxNotional(row, account)),
            "bidNotional": .string("0"), "askNotional": .string("0"), "positionSide": .string(row.leg.rawValue),
            "positionAmt": .string(figures.amount), "notional": .string(figures.notional),
            "isolatedWallet": .string(figures.isolated), "updateTime": .int(updated(row, account)),
        ])
    }

    func balance(_ account: Int) -> JSONValue {
        .array(
            accounts[account].wallets.indices.map { index in
                let wallet = accounts[account].wallets[index]
                let free = available(account, index)
                return object([
                    "accountAlias": .string("SgsR"), "asset": .string(wallet.asset), "balance": .money(wallet.balance),
                    "crossWalletBalance": .money(wallet.balance), "crossUnPnl": .money(sums(account, index).profit),
                    "availableBalance": .money(free), "maxWithdrawAmount": .money(min(free, wallet.balance)),
                    "marginAvailable": .bool(true), "updateTime": .int(accounts[account].updatedAt),
                ])
            })
    }
}
