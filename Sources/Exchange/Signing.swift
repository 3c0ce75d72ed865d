// A request as it goes onto the wire: path, query, body, header. Signed at the moment at which it is sent,
// because its timestamp says until when the exchange may take it. Pure.
// A write's parameters stand in its body and never in its query: the body is what the transport can promise
// to hand out once. The signature is the last parameter, over the very bytes that precede it.

internal import Records

package struct WireRequest: Equatable, Sendable {
    package let method: RequestPlan.Method
    /// Begins with "/"; the query of a read included.
    package let target: String
    /// Empty for all but writes.
    package let body: [UInt8]
    /// Whether it must leave once at most.
    package let isWrite: Bool
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
        guard plan.access == .open || sign != nil else { return nil }
        if plan.access == .signed, let sign {
            let stamp = [
                Parameter("recvWindow", String(plan.recvWindowMilliseconds)),
                Parameter("timestamp", String(serverMilliseconds)),
            ]
            text += (text.isEmpty ? "" : "&") + FormText.render(stamp)
            text += "&signature=" + sign(text)
        }
        let inQuery = plan.isWrite || text.isEmpty ? "" : "?" + text
        return WireRequest(
            method: plan.method, target: plan.path + inQuery, body: plan.isWrite ? Array(text.utf8) : [],
            isWrite: plan.isWrite, carriesKey: plan.access != .open)
    }
}
