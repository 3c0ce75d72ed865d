// The endpoints that Backstop uses, one case each, with typed parameters. What a request looks like and what
// it weighs stands here and nowhere else. Source: the exchange's documentation as of 2026-05, weights of
// production as of 2026-09. Endpoints that nobody needs must not be added: each is a way to change an account.

package import Records

package enum Endpoint: Equatable, Sendable {
    // Reads.
    case ping
    case serverTime
    case exchangeInfo
    case markPrice(SymbolName)
    case bookTicker(SymbolName)
    case order(SymbolName, OrderKey)
    case openOrders(SymbolName?)
    case openAlgoOrders(SymbolName?)
    case positions(SymbolName?)
    case accountTrades(SymbolName, TradeRange)
    case accountConfig
    case balances

    // Writes. The first one needs a permit; the others lead to the same end however often they are sent.
    case placeOrder(NewOrder)
    case cancelOrder(SymbolName, OrderKey)
    case cancelAllOrders(SymbolName)
    case cancelAllAlgoOrders(SymbolName)
    case countdownCancelAll(SymbolName, milliseconds: Int)
    case setLeverage(SymbolName, Int)
    case setMarginType(SymbolName, MarginType)
    case setHedgeMode(Bool)

    // The key of the user-data stream.
    case startUserStream
    case keepUserStreamAlive
    case closeUserStream

    /// Which of the account's trades: the oldest first, at most `Limits.tradesPerAnswerMax` an answer.
    package enum TradeRange: Equatable, Sendable {
        /// The newest of the last seven days.
        case newest
        case fromID(Int64)
        case ofOrder(Int64)
        /// Seven days at most.
        case between(Timestamp, Timestamp)
    }

    package var plan: RequestPlan {
        RequestPlan(
            method: method, path: path, parameters: parameters, access: access, cost: cost,
            recvWindowMilliseconds: recvWindowMilliseconds, answerBytesMax: answerBytesMax)
    }

    private var method: RequestPlan.Method {
        switch self {
        case .ping, .serverTime, .exchangeInfo, .markPrice, .bookTicker, .order, .openOrders, .openAlgoOrders,
            .positions, .accountTrades, .accountConfig, .balances:
            .get
        case .placeOrder, .countdownCancelAll, .setLeverage, .setMarginType, .setHedgeMode, .startUserStream: .post
        case .keepUserStreamAlive: .put
        case .cancelOrder, .cancelAllOrders, .cancelAllAlgoOrders, .closeUserStream: .delete
        }
    }

    private var path: String {
        switch self {
        case .ping: "/fapi/v1/ping"
        case .serverTime: "/fapi/v1/time"
        case .exchangeInfo: "/fapi/v1/exchangeInfo"
        case .markPrice: "/fapi/v1/premiumIndex"
        case .bookTicker: "/fapi/v1/ticker/bookTicker"
        case .order, .placeOrder, .cancelOrder: "/fapi/v1/order"
        case .openOrders: "/fapi/v1/openOrders"
        case .openAlgoOrders: "/fapi/v1/openAlgoOrders"
        case .positions: "/fapi/v3/positionRisk"
        case .accountTrades: "/fapi/v1/userTrades"
        case .accountConfig: "/fapi/v1/accountConfig"
        case .balances: "/fapi/v3/balance"
        case .cancelAllOrders: "/fapi/v1/allOpenOrders"
        case .cancelAllAlgoOrders: "/fapi/v1/algoOpenOrders"
        case .countdownCancelAll: "/fapi/v1/countdownCancelAll"
        case .setLeverage: "/fapi/v1/leverage"
        case .setMarginType: "/fapi/v1/marginType"
        case .setHedgeMode: "/fapi/v1/positionSide/dual"
        case .startUserStream, .keepUserStreamAlive, .closeUserStream: "/fapi/v1/listenKey"
        }
    }

    private var parameters: [Parameter] {
        switch self {
        case .ping, .serverTime, .exchangeInfo, .accountConfig, .balances, .startUserStream, .keepUserStreamAlive,
            .closeUserStream:
            []
        case .markPrice(let symbol), .bookTicker(let symbol), .cancelAllOrders(let symbol),
            .cancelAllAlgoOrders(let symbol):
            [Parameter("symbol", symbol.text)]
        case .openOrders(let symbol), .openAlgoOrders(let symbol), .positions(let symbol):
            symbol.map { [Parameter("symbol", $0.text)] } ?? []
        case .order(let symbol, let key), .cancelOrder(let symbol, let key):
            [Parameter("symbol", symbol.text), Endpoint.parameter(key)]
        case .accountTrades(let symbol, let range):
            [Parameter("symbol", symbol.text)] + Endpoint.parameters(range)
                + [Parameter("limit", String(Limits.tradesPerAnswerMax))]
        case .placeOrder(let order): order.parameters
        case .countdownCancelAll(let symbol, let milliseconds):
            [Parameter("symbol", symbol.text), Parameter("countdownTime", String(milliseconds))]
        case .setLeverage(let symbol, let leverage):
            [Parameter("symbol", symbol.text), Parameter("leverage", String(leverage))]
        case .setMarginType(let symbol, let type):
            [Parameter("symbol", symbol.text), Parameter("marginType", type.rawValue)]
        case .setHedgeMode(let isHedge): [Parameter("dualSidePosition", isHedge ? "true" : "false")]
        }
    }

    private var access: RequestPlan.Access {
        switch self {
        case .ping, .serverTime, .exchangeInfo, .markPrice, .bookTicker: .open
        case .startUserStream, .keepUserStreamAlive, .closeUserStream: .key
        case .order, .openOrders, .openAlgoOrders, .positions, .accountTrades, .accountConfig, .balances,
            .placeOrder, .cancelOrder, .cancelAllOrders, .cancelAllAlgoOrders, .countdownCancelAll, .setLeverage,
            .setMarginType, .setHedgeMode:
            .signed
        }
    }

    private var cost: RequestPlan.Cost {
        switch self {
        case .ping, .serverTime, .exchangeInfo, .markPrice, .order, .cancelOrder, .cancelAllOrders,
            .cancelAllAlgoOrders, .setLeverage, .setMarginType, .setHedgeMode, .startUserStream,
            .keepUserStreamAlive, .closeUserStream:
            .init(weight: 1, orders: 0)
        case .bookTicker: .init(weight: 2, orders: 0)
        case .openOrders(let symbol), .openAlgoOrders(let symbol): .init(weight: symbol == nil ? 40 : 1, orders: 0)
        case .positions, .accountTrades, .accountConfig, .balances: .init(weight: 5, orders: 0)
        case .countdownCancelAll: .init(weight: 10, orders: 0)
        case .placeOrder: .init(weight: 0, orders: 1)
        }
    }

    /// An order that may increase risk is taken for two seconds at most, so that a fence need not wait long.
    private var recvWindowMilliseconds: Int {
        if case .placeOrder(let order) = self, !order.canOnlyReduce { return Limits.openingRecvWindowMillisecondsMax }
        return Limits.recvWindowMillisecondsDefault
    }

    private var answerBytesMax: Int {
        switch self {
        case .exchangeInfo, .openOrders, .openAlgoOrders, .positions, .accountTrades:
            Limits.exchangeListAnswerBytesMax
        case .ping, .serverTime, .markPrice, .bookTicker, .order, .accountConfig, .balances, .placeOrder,
            .cancelOrder, .cancelAllOrders, .cancelAllAlgoOrders, .countdownCancelAll, .setLeverage, .setMarginType,
            .setHedgeMode, .startUserStream, .keepUserStreamAlive, .closeUserStream:
            Limits.exchangeAnswerBytesMax
        }
    }

    private static func parameter(_ key: OrderKey) -> Parameter {
        switch key {
        case .clientID(let id): Parameter("origClientOrderId", id.text)
        case .exchangeID(let id): Parameter("orderId", String(id))
        }
    }

    private static func parameters(_ range: TradeRange) -> [Parameter] {
        switch range {
        case .newest: []
        case .fromID(let id): [Parameter("fromId", String(id))]
        case .ofOrder(let id): [Parameter("orderId", String(id))]
        case .between(let start, let end):
            [Parameter("startTime", String(start.milliseconds)), Parameter("endTime", String(end.milliseconds))]
        }
    }
}
