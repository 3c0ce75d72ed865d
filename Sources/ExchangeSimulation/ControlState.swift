// What the control API shows: the venue's own truth, orders that look-ups do not find yet included. And what
// other hands do: a liquidation, an ADL, a trade of another client.

internal import Events
internal import Records

extension Venue {
    func state() -> JSONValue {
        object([
            "now": .int(now), "server_time": .int(serverTime), "seed": .string(String(options.seed)),
            "accounts": .array(accounts.indices.map(state)),
            "open_orders": .int(open.joined().count), "open_algo_orders": .int(openAlgos.count),
            "trades": .int(nextTradeID - 1), "faults": faultList(),
        ])
    }

    private func state(_ account: Int) -> JSONValue {
        let owner = accounts[account]
        let held = rules.indices.flatMap { symbol in
            PositionSide.allCases.compactMap { leg -> JSONValue? in
                let holding = owner.holdings[symbol][leg.index]
                guard !holding.isFlat else { return nil }
                return object([
                    "symbol": .string(rules[symbol].name), "position_side": .string(leg.rawValue),
                    "quantity": .string(rules[symbol].quantityText(holding.lots)),
                    "entry_price": .string(holding.entry(rules[symbol]).description),
                ])
            }
        }
        return object([
            "key": .string(owner.key), "hedge": .bool(owner.isHedged),
            "wallets": .array(
                owner.wallets.map {
                    object([
                        "asset": .string($0.asset), "deposited": .money($0.deposited), "realised": .money($0.realised),
                        "fees": .money($0.fees), "balance": .money($0.balance),
                    ])
                }),
            "positions": .array(held),
        ])
    }

    /// The newest ones, whether a look-up finds them or not.
    func allOrders() -> JSONValue {
        let newest = orderLog.suffix(Limits.simulatedOrdersShownMax).compactMap { orders[$0] }
        return .array(
            newest.map { order in
                json(order, .lookedUp).adding([
                    "key": .string(accounts[order.account].key), "visible": .bool(order.visibleAt <= now),
                ])
            })
    }

    func faultList() -> JSONValue {
        .array(
            faults.map {
                object([
                    "id": .int($0.id), "kind": .string($0.kind), "skip": .int($0.skip), "times": .int($0.times),
                    "hits": .int($0.hits),
                ])
            })
    }

    /// A market order that its client did not send, at the mark price, without regard to the book.
    mutating func tradeByAnotherHand(_ fields: inout ControlFields) throws(ControlError) {
        let account = try account(&fields)
        let name = try fields.required("symbol", try fields.text("symbol"))
        guard let symbol = symbolIndex[name] else { throw ControlError("no symbol \(name)") }
        guard let side = Side(rawValue: try fields.required("side", try fields.text("side"))) else {
            throw ControlError("side must be BUY or SELL")
        }
        guard let leg = PositionSide(rawValue: try fields.text("position_side") ?? "BOTH") else {
            throw ControlError("position_side must be BOTH, LONG or SHORT")
        }
        let amount = try fields.required("quantity", try fields.amount("quantity"))
        let (count, isWhole) = amount.steps(of: rules[symbol].step)
        guard isWhole, count > 0, Lots(count) <= rules[symbol].quantity.upperBound else {
            throw ControlError("quantity must be a multiple of \(rules[symbol].step) within the symbol's limits")
        }
        let reason = try fields.text("reason") ?? "other_client"
        let prefixes = ["liquidation": "autoclose-", "adl": "adl_autoclose", "other_client": "web_"]
        guard let prefix = prefixes[reason] else {
            throw ControlError("reason must be liquidation, adl or other_client")
        }
        guard leg == .both || leg.opens(side) || closable(side, leg, symbol, account) >= Lots(count) else {
            throw ControlError("that leg does not hold so much")
        }
        var ticket = Ticket(
            symbol: symbol, side: side, leg: leg, type: reason == "liquidation" ? .limit : .market,
            timeInForce: reason == "liquidation" ? .immediateOrCancel : .goodTillCancelled, quantity: Lots(count))
        ticket.clientID = prefix + String(nextOrderID)
        fillFromOutside(ticket, account)
    }

    private mutating func fillFromOutside(_ ticket: Ticket, _ account: Int) {
        let id = nextOrderID
        nextOrderID += 1
        let clientID = ticket.clientID ?? ""
        orders[id] = Order(id: id, account: account, clientID: clientID, ticket: ticket, at: serverTime)
        orderLog.append(id)
        accounts[account].orders.append(id)
        clientIDs[ClientKey(account: account, id: clientID), default: []].append(id)
        open[ticket.symbol].append(id)
        report(id, Execution("NEW"))
        let tradeID = nextTradeID
        nextTradeID += 1
        settle(id, ticket.quantity, at: markets[ticket.symbol].price, isMaker: false, tradeID: tradeID)
    }
}
