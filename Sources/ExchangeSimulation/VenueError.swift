// The exchange's own refusals: code, text, HTTP status. A text stands here once, with the fact sheet's words.
// Nothing may be refused with a code that a client could not meet at the real exchange.

package struct VenueError: Error, Hashable, Sendable {
    package let code: Int
    package let message: String
    package let status: Int

    package init(_ code: Int, _ message: String, status: Int = 400) {
        self.code = code
        self.message = message
        self.status = status
    }
}

extension VenueError {
    // Requests.
    static let unknown = VenueError(
        -1000, "An unknown error occured while processing the request.", status: 500)
    static let internalError = VenueError(
        -1001, "Internal error; unable to process your request. Please try again.", status: 503)
    static let statusUnknown = VenueError(
        -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        status: 408)
    static let throttled = VenueError(
        -1008,
        "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.",
        status: 503)
    static func tooManyRequests(_ limit: Int) -> VenueError {
        VenueError(
            -1003,
            "Too many requests; current limit of IP is \(limit) requests per minute. "
                + "Please use the websocket for live updates to avoid polling the API.", status: 429)
    }
    static func banned(until: Milliseconds) -> VenueError {
        VenueError(
            -1003,
            "Way too many requests; IP banned until \(until). Please use the websocket for live updates to avoid bans.",
            status: 418)
    }
    static func tooManyOrders(_ limit: Int, _ interval: String) -> VenueError {
        VenueError(-1015, "Too many new orders; current limit is \(limit) orders per \(interval).", status: 429)
    }
    static let outsideReceiveWindow = VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")
    static let aheadOfServer = VenueError(
        -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    static let outsideEngineWindow = VenueError(
        -5028, "Timestamp for this request is outside of the ME recvWindow.")
    static let signature = VenueError(-1022, "Signature for this request is not valid.")
    static let startAfterEnd = VenueError(-1023, "Start time is greater than end time.")
    static let notFound = VenueError(-1099, "Not found, unauthenticated, or unauthorized.", status: 404)
    static func illegal(_ name: String, range: String) -> VenueError {
        VenueError(-1100, "Illegal characters found in parameter '\(name)'; legal range is '\(range)'.")
    }
    static func twice(_ name: String) -> VenueError {
        VenueError(-1101, "Duplicate values for a parameter detected: '\(name)'.")
    }
    static let tooManyParameters = VenueError(-1101, "Too many parameters sent for this endpoint.")
    static func mandatory(_ name: String) -> VenueError {
        VenueError(-1102, "Mandatory parameter '\(name)' was not sent, was empty/null, or malformed.")
    }
    static func eitherOf(_ a: String, _ b: String) -> VenueError {
        VenueError(
            -1102, "Param '\(a)' or '\(b)' must be sent, but both were empty/null!")
    }
    static func empty(_ name: String) -> VenueError { VenueError(-1105, "Parameter '\(name)' was empty.") }
    static func notRequired(_ name: String) -> VenueError {
        VenueError(-1106, "Parameter '\(name)' sent when not required.")
    }
    static let precision = VenueError(-1111, "Precision is over the maximum defined for this asset.")
    static let noBook = VenueError(-1112, "No orders on book for symbol.")
    static let timeInForceNotRequired = VenueError(-1114, "TimeInForce parameter sent when not required.")
    static let timeInForce = VenueError(-1115, "Invalid timeInForce.")
    static let orderType = VenueError(-1116, "Invalid orderType.")
    static let side = VenueError(-1117, "Invalid side.")
    static let clientOrderIDEmpty = VenueError(-1118, "New client order ID was empty.")
    static let origClientOrderIDEmpty = VenueError(-1119, "Original client order ID was empty.")
    static let symbol = VenueError(-1121, "Invalid symbol.")
    static let listenKey = VenueError(-1125, "This listenKey does not exist.")
    static let interval = VenueError(-1127, "Lookup interval is too big.")
    static let combination = VenueError(-1128, "Combination of optional parameters invalid.")
    static func notValid(_ name: String) -> VenueError {
        VenueError(-1130, "Data sent for parameter '\(name)' is not valid.")
    }
    static let responseType = VenueError(-1136, "Invalid newOrderRespType.")

    // Keys.
    static let keyFormat = VenueError(-2014, "API-key format invalid.", status: 401)
    static let key = VenueError(-2015, "Invalid API-key, IP, or permissions for action", status: 401)

    // Orders.
    static let unknownOrder = VenueError(-2011, "Unknown order sent.")
    static let noSuchOrder = VenueError(-2013, "Order does not exist.")
    static let margin = VenueError(-2019, "Margin is insufficient.")
    static let wouldTrigger = VenueError(-2021, "Order would immediately trigger.")
    static let reduceOnly = VenueError(-2022, "ReduceOnly Order is rejected.")
    static let openOrders = VenueError(-2025, "Reach max open order limit.")
    static let maximumPosition = VenueError(
        -2027, "Exceeded the maximum allowable position at current leverage.")
    static let priceBelowZero = VenueError(-4001, "Price less than 0.")
    static let priceTooHigh = VenueError(-4002, "Price greater than max price.")
    static let quantityNotPositive = VenueError(-4003, "Quantity less than or equal to zero.")
    static let quantityTooSmall = VenueError(-4004, "Quantity less than min quantity.")
    static let quantityTooLarge = VenueError(-4005, "Quantity greater than max quantity.")
    static let priceTooLow = VenueError(-4013, "Price less than min price.")
    static let tick = VenueError(-4014, "Price not increased by tick size.")
    static let clientOrderID = VenueError(-4015, "Client order id is not valid.")
    static let clientOrderIDLength = VenueError(-4015, "Client order id length should be less than 36 chars")
    static func priceAboveBand(_ limit: String) -> VenueError {
        VenueError(-4016, "Limit price can't be higher than \(limit).")
    }
    static let step = VenueError(-4023, "Qty not increased by step size.")
    static func priceBelowBand(_ limit: String) -> VenueError {
        VenueError(-4024, "Limit price can't be lower than \(limit).")
    }
    static let depthLimit = VenueError(-4021, "Invalid depth limit.")
    static let leverage = VenueError(-4028, "Leverage is not valid")
    static let marginTypeUnchanged = VenueError(-4046, "No need to change margin type.")
    static let marginTypeOrders = VenueError(
        -4047, "Margin type cannot be changed if there exists open orders.")
    static let marginTypePosition = VenueError(-4048, "Margin type cannot be changed if there exists position.")
    static let modeUnchanged = VenueError(-4059, "No need to change position side.")
    static let positionSide = VenueError(-4060, "Invalid position side.")
    static let modeMismatch = VenueError(
        -4061, "Order's position side does not match user's setting.")
    static let reduceOnlyInvalid = VenueError(-4062, "Invalid or improper reduceOnly value.")
    static let modeOrders = VenueError(-4067, "Position side cannot be changed if there exists open orders.")
    static let modePosition = VenueError(-4068, "Position side cannot be changed if there exists position.")
    static let batchSize = VenueError(-4082, "Invalid number of batch place orders.")
    static let duplicateClientOrderID = VenueError(-4116, "ClientOrderId is duplicated.")
    static let useAlgoEndpoint = VenueError(
        -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.")
    static let counterpartyPrice = VenueError(
        -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")
    static let activationPrice = VenueError(-4135, "Invalid activation price")
    static let quantityWithClosePosition = VenueError(
        -4137, "Quantity must be zero with closePosition equals true")
    static let reduceOnlyMustBeTrue = VenueError(-4138, "Reduce only must be true with closePosition equals true")
    static let leverageIsolated = VenueError(
        -4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions.")
    static func notional(_ minimum: String) -> VenueError {
        VenueError(
            -4164, "Order's notional must be no smaller than \(minimum) (unless you choose reduce only).")
    }
    static let fillOrKill = VenueError(
        -5021, "Due to the order could not be filled immediately, the FOK order has been rejected.")
    static let postOnly = VenueError(
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.")
    static let modifyType = VenueError(-5025, "Only limit order is supported.")
    static let modifyLimit = VenueError(-5026, "Exceed maximum modify order limit.")
    static let modifyUnchanged = VenueError(-5027, "No need to modify the order.")
    static let priceMatch = VenueError(-5037, "Invalid price match")
    static let priceMatchWithPrice = VenueError(-5038, "Price match only supports order types without price.")
    static let selfTradePrevention = VenueError(-5039, "Invalid self trade prevention mode")
    static let goodTillDate = VenueError(
        -5040,
        "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than "
            + "253402300799000")
    static let priceMatchDepth = VenueError(-5041, "No depth matches this BBO order")
}
