// What a restore does to trading: it halts, unless a head that is known elsewhere shows that nothing followed the backup.

internal import Domain
internal import Events
package import Records

extension Restoration {
    /// Nil: it is current, and trading may go on.
    package var haltReason: String? {
        switch verdict {
        case .current: nil
        case .behind: "RESTORED_BEHIND"
        case .unknown: "RESTORED_HEAD_UNKNOWN"
        }
    }

    package func halt(at now: Timestamp) throws -> Draft? {
        guard let haltReason else { return nil }
        var halt = EventHalt()
        (halt.reason, halt.source) = (haltReason, "restore")
        return try Drafts.halt(halt, traceID: "", cause: .none, basis: .none, producer: "backstop", at: now)
    }
}
