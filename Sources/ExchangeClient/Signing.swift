// A request as it goes onto the wire: path, query, body, header. Signed at the moment at which it is sent,
// because its timestamp says until when the exchange may take it. Pure.
// A write's parameters stand in its body and never in its query: the body is what the transport can promise
// to hand out once. The signature is the last parameter, over the very bytes that precede it.

internal import Records

struct WireRequest: Equatable, Sendable {
    let method: RequestPlan.Method
    /// Begins with "/"; the query of a read included.
    let target: String
    /// Empty for reads.
    let body: [UInt8]
    /// Whether the key's header is sent.
    let carriesKey: Bool
}

enum Signing {
    /// - Parameter serverMilliseconds: now, by the exchange's clock.
    static func wire(_ plan: RequestPlan, _ credentials: Credentials?, serverMilliseconds: Int64) -> WireRequest? {
        var text = FormText.render(plan.parameters)
        if plan.isSigned {
            guard let credentials else { return nil }
            let stamp = [
                Parameter("recvWindow", String(plan.recvWindowMilliseconds)),
                Parameter("timestamp", String(serverMilliseconds)),
            ]
            text += (text.isEmpty ? "" : "&") + FormText.render(stamp)
            text += "&signature=" + credentials.signature(of: text)
        }
        if plan.isWrite {
            return WireRequest(
                method: plan.method, target: plan.path, body: Array(text.utf8), carriesKey: plan.isSigned)
        }
        let target = text.isEmpty ? plan.path : plan.path + "?" + text
        return WireRequest(method: plan.method, target: target, body: [], carriesKey: plan.isSigned)
    }
}
