// From parameters to a ticket: presence, form, symbol, type, mode, precision and filters, in the order in
// which the exchange refuses. Nothing here changes the venue.

internal import Events
internal import Records

extension Venue {
    func symbol(_ parameters: Parameters) throws(VenueError) -> Int {
        guard let index = symbolIndex[try parameters.required("symbol")] else { throw .symbol }
        return index
    }

    /// Nil where none was sent.
    func optionalSymbol(_ parameters: Parameters) throws(VenueError) -> Int? {
        parameters.has("symbol") ? try symbol(parameters) : nil
    }

    /// `POST /fapi/v1/order`, `/order/test`, one element of `/batchOrders`.
    func readTicket(_ parameters: Parameters, _ account: Int) throws(VenueError) -> Ticket {
        for name in ["symbol", "side", "type"] { _ = try parameters.required(name) }
        guard let side: Side = try parameters.choice("side", else: .side) else { throw .mandatory("side") }
        guard let type: OrderType = try parameters.choice("type", else: .orderType) else { throw .mandatory("type") }
        if type == .limit { _ = try parameters.required("timeInForce") }
        let timeInForce: TimeInForce? = try parameters.choice("timeInForce", else: .timeInForce)
        if !type.isConditional { _ = try parameters.required("quantity") }
        let quantity = try parameters.decimal("quantity")
        let price = try parameters.decimal("price")
        let symbol = try symbol(parameters)
        if type.isConditional { throw .useAlgoEndpoint }
        try refuseStrayParameters(parameters, type)
        let leg = try leg(parameters, account)
        var ticket = Ticket(
            symbol: symbol, side: side, leg: leg, type: type, timeInForce: timeInForce ?? .goodTillCancelled,
            quantity: 0)
        ticket.reduceOnly = try reduceOnly(parameters, account)
        try readExtras(parameters, &ticket)
        if type == .limit { ticket.price = try readPrice(price, parameters, ticket) }
        guard let quantity else { throw .mandatory("quantity") }
        let market = rules[symbol]
        ticket.quantity = try market.checkedLots(
            quantity, in: type == .market ? market.marketQuantity : market.quantity)
        ticket.clientID = try clientID(parameters, "newClientOrderId")
        return ticket
    }

    private func refuseStrayParameters(_ parameters: Parameters, _ type: OrderType) throws(VenueError) {
        if try parameters.boolean("closePosition") == true { throw .notRequired("closeposition") }
        for name in ["stopPrice", "activationPrice", "callbackRate"] where parameters.has(name) {
            throw .notRequired(name.lowercased())
        }
        guard type == .market else { return }
        if parameters.has("timeInForce") { throw .timeInForceNotRequired }
        if parameters.has("price") { throw .notRequired("price") }
    }

    func leg(_ parameters: Parameters, _ account: Int) throws(VenueError) -> PositionSide {
        let leg: PositionSide = try parameters.choice("positionSide", else: .positionSide) ?? .both
        guard accounts[account].isHedged == (leg != .both) else { throw .modeMismatch }
        return leg
    }

    func reduceOnly(_ parameters: Parameters, _ account: Int) throws(VenueError) -> Bool {
        guard let text = try parameters.text("reduceOnly") else { return false }
        if accounts[account].isHedged { throw .notRequired("reduceonly") }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .reduceOnlyInvalid
        }
    }

    private func readExtras(_ parameters: Parameters, _ ticket: inout Ticket) throws(VenueError) {
        ticket.response = try parameters.choice("newOrderRespType", else: .responseType) ?? .ack
        ticket.selfTrade =
            try parameters.choice("selfTradePreventionMode", else: .selfTradePrevention) ?? .expireMaker
        ticket.priceMatch = try parameters.choice("priceMatch", else: .priceMatch) ?? .none
        if ticket.priceMatch != .none, ticket.type != .limit { throw .priceMatch }
        if ticket.timeInForce == .goodTillDate {
            guard let date = try parameters.integer("goodTillDate") else { throw .mandatory("goodTillDate") }
            guard date > serverTime + 600_000, date < 253_402_300_799_000 else { throw .goodTillDate }
            ticket.goodTill = date / 1_000 * 1_000
        }
    }

    private func readPrice(_ price: Amount?, _ parameters: Parameters, _ ticket: Ticket) throws(VenueError) -> Ticks {
        if ticket.priceMatch != .none {
            guard price == nil else { throw .priceMatchWithPrice }
            let side = ticket.priceMatch.isOpponent ? ticket.side.opposite : ticket.side
            guard let level = markets[ticket.symbol].level(side, ticket.priceMatch.level) else {
                throw .priceMatchDepth
            }
            return level.price
        }
        guard let price else { throw .mandatory("price") }
        return try rules[ticket.symbol].checkedPrice(price)
    }

    func clientID(_ parameters: Parameters, _ name: String) throws(VenueError) -> String? {
        guard parameters.has(name) else { return nil }
        guard let text = parameters.raw(name), !text.isEmpty else { throw .clientOrderIDEmpty }
        guard text.utf8.count <= Limits.simulatedClientIDBytesMax else { throw .clientOrderIDLength }
        guard text.utf8.allSatisfy(Venue.isClientIDByte) else { throw .clientOrderID }
        return text
    }

    private static func isClientIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: ".:/_-".utf8.contains(byte)
        }
    }
}
