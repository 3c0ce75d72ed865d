// What one request is, before it is signed: method, path, ordered parameters, what it costs, who may ask, and
// whether it can change the account. Every request that can is a write, and its parameters travel in its body.
// It must never hold a key, a timestamp or a signature.

package struct RequestPlan: Equatable, Sendable {
    package enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

    /// What it takes from the exchange's budgets.
    package struct Cost: Equatable, Sendable {
        var weight: Int
        var orders: Int
    }

    /// What the exchange must see of us.
    package enum Access: Equatable, Sendable {
        case open
        /// The key's header, neither time stamp nor signature: the listen key.
        case key
        case signed
    }

    package let method: Method
    package let path: String
    package let parameters: [Parameter]
    package let access: Access
    package let cost: Cost
    package let recvWindowMilliseconds: Int
    package let answerBytesMax: Int

    /// The listen key's requests are none: they change nothing of the account, have no parameters, and lead to
    /// the same end however often libcurl sends them.
    package var isWrite: Bool { method != .get && access == .signed }
}
