// What is done about the halt keys in Redis: pure. The log decides; Redis shows it. A member `halt_seq` tells ours from
// those that somebody set: ours is put back or taken away, another's halt becomes a halt of the log. Nothing in Redis ends
// a halt.

internal import Domain
internal import Records
internal import Services

enum HaltVerdict: Equatable {
    case nothing
    /// The log's halt is put there.
    case write([String: String])
    /// The log is not halted: what the bridge once put there goes.
    case remove
    /// Somebody halts through Redis.
    case halt(reason: String, source: String)

    static let mark = "halt_seq"

    /// - Parameters:
    ///   - hash: Redis' members; empty: there is no hash.
    ///   - text: Redis' string; nil: there is none.
    static func decide(_ state: State, hash: [String: String], text: String?) -> HaltVerdict {
        if let halt = state.trading.halt, let members = HaltKeys.members(of: state) {
            var wanted = Dictionary(members.map { ($0.name, $0.value) }) { $1 }
            wanted[mark] = "\(halt.sequence)"
            return hash == wanted && text == "true" ? .nothing : .write(wanted)
        }
        if let marked = hash[mark] {
            // Of another log, or of a later one than ours is: not ours to take away.
            guard let sequence = UInt64(marked), sequence <= state.asOf.rawValue else {
                return hash["halted"]?.lowercased() == "true" ? foreign(hash) : .nothing
            }
            return .remove
        }
        if hash["halted"]?.lowercased() == "true" || text?.lowercased() == "true" { return foreign(hash) }
        return .nothing
    }

    private static func foreign(_ hash: [String: String]) -> HaltVerdict {
        .halt(
            reason: clean(hash["reason"], otherwise: "halted in Redis"),
            source: clean(hash["source"] ?? hash["halted_by"], otherwise: "redis"))
    }

    /// Whatever stands there, it is a halt: what cannot be recorded as it is must not keep it from being one.
    private static func clean(_ text: String?, otherwise: String) -> String {
        guard let text, !text.isEmpty, text.utf8.count <= Limits.producerBytesMax,
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
        else { return otherwise }
        return text
    }
}
