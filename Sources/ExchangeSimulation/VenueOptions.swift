// How a venue is set up. What the fact sheet leaves open is a switch here, named for what it decides.

package struct VenueOptions: Sendable, Equatable {
    package enum DuplicateScope: String, CaseIterable, Sendable {
        /// A client order id may be used again when its order is no longer open: as documented.
        case open
        /// Never again.
        case all
    }

    package var seed: UInt64 = 1
    /// API key → secret. Empty: any key, and the signature is checked in form only.
    package var accounts: [Credential] = []
    /// In quote units, of each asset.
    package var balance: Int64 = 100_000
    package var limits = LimitOptions()
    package var levels = 50
    package var levelNotional: Int64 = 50_000
    /// In hundredths of a basis point.
    package var moveMax: Int64 = 200
    /// 0: prices move only when told.
    package var moveEvery: Milliseconds = 250
    package var duplicateScope = DuplicateScope.open
    /// `avgPrice` and `cumQuote` in the answers to POST and DELETE order.
    package var sendsAverage = true
    /// A reduce-only market order beyond the position: made smaller, or refused with -2022.
    package var trimsReduceOnly = true
    /// Whether countdownCancelAll takes conditional orders, too.
    package var countdownTakesAlgos = false
    /// leverageBracket with a symbol: an object, or an array of one.
    package var bracketIsArray = true
    /// Half of it before a request is looked at, half before its answer leaves.
    package var latency: Milliseconds = 0
    package init() {}

    package struct Credential: Sendable, Equatable {
        package let key: String
        package let secret: String
        package init(key: String, secret: String) {
            self.key = key
            self.secret = secret
        }
    }

    /// 0.02 % and 0.05 %.
    static let makerFee = Amount(2, exponent: -4)
    static let takerFee = Amount(5, exponent: -4)
    static let makerFeeText = "0.000200"
    static let takerFeeText = "0.000500"
    /// For conditional orders.
    static let openAlgosMax = 200
}
