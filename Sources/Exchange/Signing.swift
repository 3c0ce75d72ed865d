// A request as it goes onto the wire: path, query, body, header. Signed at the moment at which it is sent,
// because its timestamp says until when the exchange may take it. Pure.
// A write's parameters stand in its body and never in its query: the body is what the transport can promise
// to hand out once. The signature is the last parameter, over the very bytes that precede it.

internal import Records

package struct WireRequest: Equatable, Sendable {
    package let method: RequestPlan.Method
    /// Begins with "/"; the query of a read included.
    package let target: String
    /// Empty for reads.
    package let body: [UInt8]
    /// Whether the key's header is sent.
    package let carriesKey: Bool
}

package enum Signing {
    /// - Parameters:
    ///   - sign: the signature of a text; nil where there is no key.
    ///   - serverMilliseconds: now, by the exchange's clock.
    /// - Returns: nil where a key is needed and there is none.
    package static func wire(_ plan: RequestPlan, sign: ((String) -> String)?, serverMilliseconds: Int64)
        -> WireRequest?
    {
        var text = FormText.render(plan.parameters)
        if plan.isSigned {
            guard let sign else { return nil }
            let stamp = [
                Parameter("recvWindow", String(plan.recvWindowMilliseconds)),
                Parameter("timestamp", String(serverMilliseconds)),
            ]
            text += (text.isEmpty ? "" : "&") + FormText.render(stamp)
            text += "&signature=" + sign(text)
        }
        if plan.isWrite {
            return WireRequest(
                method: plan.method, target: plan.path, body: Array(text.utf8), carriesKey: plan.isSigned)
        }
        let target = text.isEmpty ? plan.path : plan.path + "?" + text
        return WireRequest(method: plan.method, target: target, body: [], carriesKey: plan.isSigned)
    }
}
