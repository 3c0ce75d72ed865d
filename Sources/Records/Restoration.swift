// A log that was made from a backup: whose child it is, and what was known elsewhere of how its parent went on. Pure. What
// must not be added: a way to take a log for current because nothing speaks against it.

/// What a `log.restored` record says.
package struct Restoration: Equatable, Sendable {
    package enum Verdict: String, CaseIterable, Sendable {
        /// A head that was known elsewhere is the restored one.
        case current
        /// A head that was known elsewhere is newer: records followed that are not here.
        case behind
        /// Nothing shows whether records followed.
        case unknown
    }

    package let id: LogID
    package let parent: LogID
    /// The last record that was restored.
    package let parentHead: Head
    package let verdict: Verdict
    /// Heads that were known elsewhere, the newest last.
    package let known: [Head]

    package init(id: LogID, parent: LogID, parentHead: Head, verdict: Verdict, known: [Head]) {
        self.id = id
        self.parent = parent
        self.parentHead = parentHead
        self.verdict = verdict
        self.known = known
    }
}

package enum RestoreDecision: Equatable, Sendable {
    /// The log has that sequence under another hash: it is another's, or was rewritten.
    case refused(Head, found: Digest)
    case restore(Restoration.Verdict)

    /// - Parameters:
    ///   - restored: the copy's head.
    ///   - known: heads that were kept elsewhere.
    ///   - hash: of a record of the copy, up to its head.
    package static func decide(
        restored: Head, known: [Head], hash: (SequenceNumber) throws -> Digest?
    ) rethrows -> RestoreDecision {
        for head in known where head.sequence <= restored.sequence {
            let found = head.sequence == restored.sequence ? restored.hash : try hash(head.sequence)
            guard let found, found == head.hash else { return .refused(head, found: found ?? .zero) }
        }
        if known.contains(where: { $0.sequence > restored.sequence }) { return .restore(.behind) }
        return .restore(known.contains(restored) ? .current : .unknown)
    }
}
