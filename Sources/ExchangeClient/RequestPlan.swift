// What one request is, before it is signed: method, path, ordered parameters, what it costs, and whether it
// can change the account. Every request that can is a write, and its parameters travel in its body.
// It must never hold a key, a timestamp or a signature.

struct RequestPlan: Equatable, Sendable {
    enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

    /// What it takes from the exchange's budgets.
    struct Cost: Equatable, Sendable {
        var weight: Int
        var orders: Int
    }

    let method: Method
    let path: String
    let parameters: [Parameter]
    let isSigned: Bool
    let cost: Cost
    let recvWindowMilliseconds: Int
    let answerBytesMax: Int

    var isWrite: Bool { method != .get }
}
