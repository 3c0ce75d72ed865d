// What one request is, before it is signed: method, path, ordered parameters, what it costs, and whether it
// can change the account. Every request that can is a write, and its parameters travel in its body.
// It must never hold a key, a timestamp or a signature.

package struct RequestPlan: Equatable, Sendable {
    package enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

    /// What it takes from the exchange's budgets.
    package struct Cost: Equatable, Sendable {
        var weight: Int
        var orders: Int
    }

    package let method: Method
    package let path: String
    package let parameters: [Parameter]
    package let isSigned: Bool
    package let cost: Cost
    package let recvWindowMilliseconds: Int
    package let answerBytesMax: Int

    package var isWrite: Bool { method != .get }
}
