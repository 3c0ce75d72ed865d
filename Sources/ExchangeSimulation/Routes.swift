// The paths of the exchange: what each is, who may call it, and what it costs. One table; a path that does not
// stand here does not exist.

enum Endpoint: Sendable {
    case ping, time, exchangeInfo, depth, premiumIndex, tickerPrice, bookTicker
    case placeOrder, testOrder, order, cancelOrder, modifyOrder
    case placeBatch, cancelBatch, cancelAllOpen, openOrder, openOrders, allOrders, userTrades, countdown
    case placeAlgo, algo, cancelAlgo, cancelAllAlgos, openAlgos, allAlgos
    case positionRisk2, positionRisk3, account2, account3, balance
    case mode, setMode, setLeverage, setMarginType, symbolConfig, accountConfig, leverageBracket, commissionRate
    case orderRateLimit, makeListenKey, keepListenKey, closeListenKey
    /// Settings that are always off.
    case multiAssets, feeBurn

    var placesOrders: Bool {
        switch self {
        case .placeOrder, .testOrder, .placeBatch, .modifyOrder, .placeAlgo: true
        default: false
        }
    }

    var showsPositions: Bool {
        switch self {
        case .positionRisk2, .positionRisk3, .account2, .account3, .balance: true
        default: false
        }
    }
}

struct Route: Sendable {
    enum Security: Sendable { case none, key, signed }
    enum Weight: Sendable {
        case fixed(Int)
        case symbol(with: Int, without: Int)
        case depth
    }
    let endpoint: Endpoint
    let security: Security
    let weight: Weight
    /// Orders counted in the windows of ten seconds and of a minute.
    let orders: (tenSeconds: Int, minute: Int)

    init(_ endpoint: Endpoint, _ security: Security, _ weight: Weight, orders: (Int, Int) = (0, 0)) {
        self.endpoint = endpoint
        self.security = security
        self.weight = weight
        self.orders = orders
    }

    func weight(_ parameters: Parameters) -> Int {
        switch weight {
        case .fixed(let weight): return weight
        case .symbol(let with, let without): return parameters.has("symbol") ? with : without
        case .depth: return depthWeight(parameters)
        }
    }

    private func depthWeight(_ parameters: Parameters) -> Int {
        let limit: Int64
        do throws(VenueError) {
            limit = try parameters.integer("limit") ?? 500
        } catch {
            return 2  // refused later, by depth itself
        }
        return limit <= 50 ? 2 : limit <= 100 ? 5 : limit <= 500 ? 10 : 20
    }

    static let all: [String: Route] = [
        "GET /fapi/v1/ping": Route(.ping, .none, .fixed(1)),
        "GET /fapi/v1/time": Route(.time, .none, .fixed(1)),
        "GET /fapi/v1/exchangeInfo": Route(.exchangeInfo, .none, .fixed(1)),
        "GET /fapi/v1/depth": Route(.depth, .none, .depth),
        "GET /fapi/v1/premiumIndex": Route(.premiumIndex, .none, .symbol(with: 1, without: 10)),
        "GET /fapi/v1/ticker/price": Route(.tickerPrice, .none, .symbol(with: 1, without: 2)),
        "GET /fapi/v2/ticker/price": Route(.tickerPrice, .none, .symbol(with: 1, without: 2)),
        "GET /fapi/v1/ticker/bookTicker": Route(.bookTicker, .none, .symbol(with: 2, without: 5)),
        "POST /fapi/v1/order": Route(.placeOrder, .signed, .fixed(0), orders: (1, 1)),
        "POST /fapi/v1/order/test": Route(.testOrder, .signed, .fixed(0), orders: (1, 1)),
        "GET /fapi/v1/order": Route(.order, .signed, .fixed(1)),
        "DELETE /fapi/v1/order": Route(.cancelOrder, .signed, .fixed(1)),
        "PUT /fapi/v1/order": Route(.modifyOrder, .signed, .fixed(0), orders: (1, 1)),
        "POST /fapi/v1/batchOrders": Route(.placeBatch, .signed, .fixed(5), orders: (5, 1)),
        "DELETE /fapi/v1/batchOrders": Route(.cancelBatch, .signed, .fixed(1)),
        "DELETE /fapi/v1/allOpenOrders": Route(.cancelAllOpen, .signed, .fixed(1)),
        "GET /fapi/v1/openOrder": Route(.openOrder, .signed, .fixed(1)),
        "GET /fapi/v1/openOrders": Route(.openOrders, .signed, .symbol(with: 1, without: 40)),
        "GET /fapi/v1/allOrders": Route(.allOrders, .signed, .fixed(5)),
        "GET /fapi/v1/userTrades": Route(.userTrades, .signed, .fixed(5)),
        "POST /fapi/v1/countdownCancelAll": Route(.countdown, .signed, .fixed(10)),
        "POST /fapi/v1/algoOrder": Route(.placeAlgo, .signed, .fixed(0), orders: (1, 1)),
        "GET /fapi/v1/algoOrder": Route(.algo, .signed, .fixed(1)),
        "DELETE /fapi/v1/algoOrder": Route(.cancelAlgo, .signed, .fixed(1)),
        "DELETE /fapi/v1/algoOpenOrders": Route(.cancelAllAlgos, .signed, .fixed(1)),
        "GET /fapi/v1/openAlgoOrders": Route(.openAlgos, .signed, .symbol(with: 1, without: 40)),
        "GET /fapi/v1/allAlgoOrders": Route(.allAlgos, .signed, .fixed(5)),
        "GET /fapi/v2/positionRisk": Route(.positionRisk2, .signed, .fixed(5)),
        "GET /fapi/v3/positionRisk": Route(.positionRisk3, .signed, .fixed(5)),
        "GET /fapi/v2/account": Route(.account2, .signed, .fixed(5)),
        "GET /fapi/v3/account": Route(.account3, .signed, .fixed(5)),
        "GET /fapi/v2/balance": Route(.balance, .signed, .fixed(5)),
        "GET /fapi/v3/balance": Route(.balance, .signed, .fixed(5)),
        "GET /fapi/v1/positionSide/dual": Route(.mode, .signed, .fixed(30)),
        "POST /fapi/v1/positionSide/dual": Route(.setMode, .signed, .fixed(1)),
        "POST /fapi/v1/leverage": Route(.setLeverage, .signed, .fixed(1)),
        "POST /fapi/v1/marginType": Route(.setMarginType, .signed, .fixed(1)),
        "GET /fapi/v1/symbolConfig": Route(.symbolConfig, .signed, .fixed(5)),
        "GET /fapi/v1/accountConfig": Route(.accountConfig, .signed, .fixed(5)),
        "GET /fapi/v1/leverageBracket": Route(.leverageBracket, .signed, .fixed(1)),
        "GET /fapi/v1/commissionRate": Route(.commissionRate, .signed, .fixed(20)),
        "GET /fapi/v1/rateLimit/order": Route(.orderRateLimit, .signed, .fixed(1)),
        "GET /fapi/v1/multiAssetsMargin": Route(.multiAssets, .signed, .fixed(30)),
        "GET /fapi/v1/feeBurn": Route(.feeBurn, .signed, .fixed(30)),
        "POST /fapi/v1/listenKey": Route(.makeListenKey, .key, .fixed(1)),
        "PUT /fapi/v1/listenKey": Route(.keepListenKey, .key, .fixed(1)),
        "DELETE /fapi/v1/listenKey": Route(.closeListenKey, .key, .fixed(1)),
    ]
}
