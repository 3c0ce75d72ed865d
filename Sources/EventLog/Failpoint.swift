// Named places where a test build can be told to die, so that crash tests reach the moments that matter.
// In release builds `hit` is empty: nobody can switch a failpoint on in production.

internal import Glibc
internal import Synchronization

/// Set with BACKSTOP_FAILPOINT=<name>@<n>: the n-th time the place is reached, the process kills itself; with
/// <name>@<n>@stop it stands still there, until it gets SIGCONT.
package enum Failpoint: String, CaseIterable, Sendable {
    case transactionBegun = "transaction.begun"
    case recordPut = "record.put"
    case commitBefore = "commit.before"
    case commitAfter = "commit.after"
    case replyAfter = "reply.after"
    case deliveryAfter = "delivery.after"
    case decisionBefore = "decision.before"
    case acknowledgeBefore = "acknowledge.before"
    case acknowledgeAfter = "acknowledge.after"
    case requestAfter = "request.after"
    case placeBefore = "place.before"
    case placeAfter = "place.after"
    case noteAfter = "note.after"
    case concludeAfter = "conclude.after"
    case importBefore = "import.before"
    case importAfter = "import.after"
    case exportAfter = "export.after"
    case copyPrepared = "copy.prepared"
    case copyWritten = "copy.written"
    case copyChecked = "copy.checked"
    case copyRenamed = "copy.renamed"
    case copyFinished = "copy.finished"
    case searchStep = "search.step"
    case foldStep = "fold.step"
    case switchBefore = "switch.before"
    case switchAfter = "switch.after"
    case keysAdding = "keys.adding"
    case keysAdded = "keys.added"
    case keysPartMerged = "keys.part-merged"
    case keysMerging = "keys.merging"
    case keysMerged = "keys.merged"
    case keysPartDeleted = "keys.part-deleted"

    /// Places that only execution comes to.
    package static let ofExecution: [Failpoint] = [
        .requestAfter, .placeBefore, .placeAfter, .noteAfter, .concludeAfter,
    ]
    /// Places that only the bridge comes to.
    package static let ofTheBridge: [Failpoint] = [.importBefore, .importAfter, .exportAfter]
    /// Places that only a backup or a restore comes to, in their order.
    package static let ofCopies: [Failpoint] = [
        .copyPrepared, .copyWritten, .copyChecked, .copyRenamed, .copyFinished,
    ]
    /// Places that only a builder of views comes to.
    package static let ofRebuilding: [Failpoint] = [.searchStep, .foldStep, .switchBefore, .switchAfter]
    /// Places of the thread that keeps the key index.
    package static let ofTheKeys: [Failpoint] = [
        .keysAdding, .keysAdded, .keysPartMerged, .keysMerging, .keysMerged, .keysPartDeleted,
    ]
    package static let ofTheLog = allCases.filter {
        !(ofExecution + ofTheBridge + ofCopies + ofRebuilding + ofTheKeys).contains($0)
    }

    package static var isCompiledIn: Bool {
        #if FAILPOINTS
            true
        #else
            false
        #endif
    }

    @inline(__always)
    package func hit() {
        #if FAILPOINTS
            hitForTest()
        #endif
    }

    #if FAILPOINTS
        private static let armed: (name: String, count: Int, signal: Int32)? = {
            guard let text = getenv("BACKSTOP_FAILPOINT").map({ String(cString: $0) }) else { return nil }
            let parts = text.split(separator: "@")
            guard let name = parts.first else { return nil }
            let signal = parts.count > 2 && parts[2] == "stop" ? SIGSTOP : SIGKILL
            return (String(name), parts.count > 1 ? Int(parts[1]) ?? 1 : 1, signal)
        }()
        private static let hits = Atomic<Int>(0)

        private func hitForTest() {
            guard let armed = Failpoint.armed, armed.name == rawValue else { return }
            // To this thread: one that another thread takes first would let this one go on for a moment.
            if Failpoint.hits.add(1, ordering: .relaxed).newValue == armed.count { raise(armed.signal) }
        }
    #endif
}
