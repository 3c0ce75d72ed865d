// The halt in the form in which other tools look for it in Redis: a hash and a string, functions of the state. Written
// once, for the Redis face, which shows them, and for the bridge, which puts them there.

package import Domain
internal import Records

package enum HaltKeys {
    package static let hashName = "system:state:trading"
    package static let textName = "quantum:state:trading_halted"
    package static let intentDedupPrefix = "quantum:dedup:trade_intent:"
    /// For how long a dedup key is said to stay.
    package static let dedupSeconds: Int64 = 86_400

    /// The members of the hash, in this order; nil: not halted, and then there is none.
    package static func members(of state: State) -> [(name: String, value: String)]? {
        let trading = state.trading
        guard let halt = trading.halt else { return nil }
        let closed = trading.panics.lastCompletion.flatMap { $0.sequence > halt.sequence ? $0.positionsClosed : nil }
        return [
            ("halted", "true"), ("reason", halt.reason), ("source", halt.source),
            ("halted_at", "\(halt.haltedAt.recordedAt.milliseconds)"), ("halted_by", halt.source),
            ("positions_closed", "\(closed ?? 0)"), ("requires_manual_reset", "true"),
        ]
    }
}
