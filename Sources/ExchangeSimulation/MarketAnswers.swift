// Market data as REST shows it: exchange information, prices, depth.

internal import Events

extension Venue {
    func exchangeInfo() -> JSONValue {
        object([
            "timezone": .string("UTC"), "serverTime": .int(serverTime), "futuresType": .string("U_MARGINED"),
            "rateLimits": .array([
                rateLimit("REQUEST_WEIGHT", "MINUTE", 1, options.limits.weightPerMinute),
                rateLimit("ORDERS", "MINUTE", 1, options.limits.ordersPerMinute),
                rateLimit("ORDERS", "SECOND", 10, options.limits.ordersPerTenSeconds),
            ]),
            "exchangeFilters": .array([]),
            "assets": .array(
                assets.map {
                    object([
                        "asset": .string($0), "marginAvailable": .bool(true), "autoAssetExchange": .string("-10000"),
                    ])
                }),
            "symbols": .array(rules.map(json)),
        ])
    }

    func orderRateLimits() -> JSONValue {
        .array([
            rateLimit("ORDERS", "SECOND", 10, options.limits.ordersPerTenSeconds),
            rateLimit("ORDERS", "MINUTE", 1, options.limits.ordersPerMinute),
        ])
    }

    private func rateLimit(_ type: String, _ interval: String, _ number: Int, _ limit: Int) -> JSONValue {
        object([
            "rateLimitType": .string(type), "interval": .string(interval), "intervalNum": .int(number),
            "limit": .int(limit),
        ])
    }

    private func json(_ rules: SymbolRules) -> JSONValue {
        object([
            "symbol": .string(rules.name), "pair": .string(rules.name), "contractType": .string("PERPETUAL"),
            "deliveryDate": .int(4_133_404_800_000), "onboardDate": .int(1_569_398_400_000),
            "status": .string("TRADING"), "maintMarginPercent": .string("2.5000"),
            "requiredMarginPercent": .string("5.0000"), "baseAsset": .string(rules.base),
            "quoteAsset": .string(rules.quote), "marginAsset": .string(rules.quote),
            "pricePrecision": .int(rules.pricePlaces), "quantityPrecision": .int(rules.quantityPlaces),
            "baseAssetPrecision": .int(8), "quotePrecision": .int(8), "underlyingType": .string("COIN"),
            "underlyingSubType": .array([.string("PoW")]), "triggerProtect": .string("0.0500"),
            "liquidationFee": .string("0.012500"), "marketTakeBound": .string("0.05"),
            "filters": filters(rules),
            "orderTypes": .array(OrderType.allCases.map { .string($0.rawValue) }),
            "timeInForce": .array(TimeInForce.allCases.map { .string($0.rawValue) }),
        ])
    }

    private func filters(_ rules: SymbolRules) -> JSONValue {
        func quantities(_ type: String, _ range: ClosedRange<Lots>) -> JSONValue {
            object([
                "filterType": .string(type), "minQty": .string(rules.quantityText(range.lowerBound)),
                "maxQty": .string(rules.quantityText(range.upperBound)), "stepSize": .string(rules.quantityText(1)),
            ])
        }
        return .array([
            object([
                "filterType": .string("PRICE_FILTER"), "minPrice": .string(rules.priceText(rules.price.lowerBound)),
                "maxPrice": .string(rules.priceText(rules.price.upperBound)), "tickSize": .string(rules.priceText(1)),
            ]),
            quantities("LOT_SIZE", rules.quantity),
            quantities("MARKET_LOT_SIZE", rules.marketQuantity),
            object(["filterType": .string("MAX_NUM_ORDERS"), "limit": .int(SymbolRules.openOrdersMax)]),
            object(["filterType": .string("MIN_NOTIONAL"), "notional": .string(rules.minNotional.description)]),
            object([
                "filterType": .string("PERCENT_PRICE"), "multiplierUp": .string("1.0500"),
                "multiplierDown": .string("0.9500"), "multiplierDecimal": .string("4"),
            ]),
            object(["filterType": .string("POSITION_RISK_CONTROL"), "positionControlSide": .string("NONE")]),
        ])
    }

    /// One object for a symbol, an array without.
    func each(_ parameters: Parameters, _ row: (Int) -> JSONValue) throws(VenueError) -> JSONValue {
        if let symbol = try optionalSymbol(parameters) { return row(symbol) }
        return .array(rules.indices.map(row))
    }

    func premiumIndex(_ symbol: Int) -> JSONValue {
        let price = JSONValue.string(rules[symbol].priceAmount(markets[symbol].price).moneyText)
        let eightHours: Milliseconds = 28_800_000
        return object([
            "symbol": .string(rules[symbol].name), "markPrice": price, "indexPrice": price,
            "estimatedSettlePrice": price, "lastFundingRate": .string("0.00010000"),
            "interestRate": .string("0.00010000"),
            "nextFundingTime": .int((serverTime / eightHours + 1) * eightHours), "time": .int(serverTime),
        ])
    }

    func tickerPrice(_ symbol: Int) -> JSONValue {
        object([
            "symbol": .string(rules[symbol].name), "price": .string(rules[symbol].priceText(markets[symbol].price)),
            "time": .int(serverTime),
        ])
    }

    func bookTicker(_ symbol: Int) -> JSONValue {
        let bid = side(symbol, .buy, limit: 1).first
        let ask = side(symbol, .sell, limit: 1).first
        func text(_ level: (price: Ticks, lots: Lots)?) -> (JSONValue, JSONValue) {
            (
                .string(rules[symbol].priceText(level?.price ?? 0)),
                .string(rules[symbol].quantityText(level?.lots ?? 0))
            )
        }
        return object([
            "symbol": .string(rules[symbol].name), "bidPrice": text(bid).0, "bidQty": text(bid).1,
            "askPrice": text(ask).0, "askQty": text(ask).1, "time": .int(serverTime),
        ])
    }

    static let depthLimits = [5, 10, 20, 50, 100, 500, 1_000]

    func depth(_ parameters: Parameters) throws(VenueError) -> JSONValue {
        let symbol = try symbol(parameters)
        let limit = Int(try parameters.integer("limit") ?? 500)
        guard Venue.depthLimits.contains(limit) else { throw .depthLimit }
        func rows(_ side: Side) -> JSONValue {
            .array(
                self.side(symbol, side, limit: limit).map {
                    .array([.string(rules[symbol].priceText($0.price)), .string(rules[symbol].quantityText($0.lots))])
                })
        }
        return object([
            "lastUpdateId": .int(markets[symbol].moves * 1_000 + UInt64(nextTradeID)), "E": .int(serverTime),
            "T": .int(serverTime), "bids": rows(.buy), "asks": rows(.sell),
        ])
    }

    /// Levels of the market and clients' orders together, best first.
    private func side(_ symbol: Int, _ side: Side, limit: Int) -> [(price: Ticks, lots: Lots)] {
        var rows: [(price: Ticks, lots: Lots)] = []
        var place = 0
        while rows.count < limit, let level = markets[symbol].level(side, place) {
            if level.lots > 0 { rows.append((level.price, level.lots)) }
            place += 1
        }
        for id in open[symbol] {
            guard let order = orders[id], order.side == side, let price = order.price else { continue }
            if let index = rows.firstIndex(where: { $0.price == price }) {
                rows[index].lots += order.remaining
            } else {
                rows.append((price, order.remaining))
            }
        }
        let sorted = rows.sorted { side == .buy ? $0.price > $1.price : $0.price < $1.price }
        return Array(sorted.prefix(limit))
    }
}
