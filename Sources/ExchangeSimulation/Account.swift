// One account: the wallets, holdings, settings and stream key of whoever uses one API key. It knows nothing of
// orders but their numbers.

struct Wallet: Sendable, Equatable {
    let asset: String
    /// Deposits and withdrawals.
    var deposited: Amount
    var realised = Amount.zero
    var fees = Amount.zero
    /// Never stored: it cannot differ from what it is made of.
    var balance: Amount { deposited + realised - fees }
}

struct Account: Sendable {
    let key: String
    var wallets: [Wallet]
    /// Symbol, then side.
    var holdings: [[Holding]]
    var leverage: [Int]
    var isIsolated: [Bool]
    var isHedged = false
    var use = OrderUse()
    /// Newest last; bounded.
    var orders: [Int64] = []
    var algos: [Int64] = []
    var fills: [Fill] = []
    var listenKey: ListenKey?
    /// Symbol → when its orders are cancelled.
    var countdowns: [Int: Milliseconds] = [:]
    var updatedAt: Milliseconds = 0

    init(key: String, assets: [String], balance: Amount, symbols: Int) {
        self.key = key
        wallets = assets.map { Wallet(asset: $0, deposited: balance) }
        holdings = Array(repeating: Array(repeating: Holding(), count: 3), count: symbols)
        leverage = Array(repeating: 20, count: symbols)
        isIsolated = Array(repeating: false, count: symbols)
    }

    /// The sides that can be held in the account's mode.
    var legs: [PositionSide] { isHedged ? [.long, .short] : [.both] }

    func wallet(_ asset: String) -> Int {
        guard let index = wallets.firstIndex(where: { $0.asset == asset }) else {
            preconditionFailure("every asset of the catalogue has a wallet")
        }
        return index
    }
}

struct ListenKey: Sendable, Equatable {
    let text: String
    var expiresAt: Milliseconds
}
