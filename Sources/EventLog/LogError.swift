// What can go wrong with a log, each case named for what its reader should do.

package import Records

package enum LogError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(path: String)
    case alreadyThere(path: String)
    case notALog(path: String)
    case formatUnknown(path: String, found: String)
    /// A log of the version before, which another process still has open.
    case olderInUse(path: String)
    case notWritable(path: String)
    case filesystemRefused(path: String, kind: String)
    case namespaceRefused(path: String)
    /// A backup is restored from, never written to.
    case isBackup(path: String)
    /// What is to become a log has to be empty, or what a copy that was stopped has left.
    case notEmpty(path: String)
    /// A copy inside the folder that it is a copy of.
    case insideItself(path: String, source: String)
    /// Somebody else is making a log there.
    case beingMade(path: String)
    /// Processes have it open: its file changes while it is read.
    case inUse(path: String)
    case diskTooSmall(path: String, needed: Int, free: Int)
    case damaged(String)
    /// A commit or a sync failed; nothing is written until the process has opened the log again.
    /// Runbook: ops/runbooks/log-poisoned.md
    case poisoned(String)
    /// The commit failed: whether it is on disk is unknown. Runbook: ops/runbooks/log-poisoned.md
    case outcomeUnknown(String)
    /// The transaction failed before its commit; nothing of it was written.
    case notWritten(String)
    case closed
    case readOnly
    case streamMissing(String)
    case groupMissing(stream: String, group: String)
    case groupAlreadyThere(stream: String, group: String)
    case consumerHeld(group: String, consumer: String)
    case refused(Refusal)

    package var description: String {
        switch self {
        case .missing(let path): "no log at \(path); make one with: backstop init \(path)"
        case .alreadyThere(let path): "\(path) is already a log"
        case .notALog(let path): "\(path) is not a Backstop log (it has no FORMAT file); is the path right?"
        case .formatUnknown(let path, let found):
            "\(path) was written by another version: its format is \"\(found)\", this version reads \"\(LogFolder.formatLine)\""
        case .olderInUse(let path):
            "\(path) was written by the version before, and is in use: stop all processes that have it open, then try again"
        case .notWritable(let path):
            "\(path) is not writable by this user (readers take a slot there, too); check its owner and mode"
        case .filesystemRefused(let path, let kind):
            "\(path) is on \(kind): LMDB's locks do not hold there; put the log on a local disk"
        case .namespaceRefused(let path):
            "\(path) is in use from another PID namespace (a container?): reader slots are by pid; run all processes of one log in one namespace"
        case .isBackup(let path):
            "\(path) is a backup: make a log from it with: backstop restore \(path) DIR"
        case .notEmpty(let path): "\(path) is not empty; name a folder that is not there yet, or an empty one"
        case .insideItself(let path, let source):
            "\(path) lies inside \(source), which is to be copied; name a folder outside of it, best on another disk"
        case .beingMade(let path): "\(path) is being made by another process"
        case .inUse(let path):
            "\(path) is in use by a living process: stop it, or make a backup first with: backstop backup"
        case .diskTooSmall(let path, let needed, let free):
            "\(path): \(needed) bytes are needed on its disk, \(free) are free; nothing was begun"
        case .damaged(let what): "the log is damaged: \(what); see ops/runbooks/log-damaged.md"
        case .poisoned(let why):
            "the log is poisoned: \(why); stop this process, see ops/runbooks/log-poisoned.md, and ask again with the same keys"
        case .outcomeUnknown(let why):
            "\(why); stop this process, see ops/runbooks/log-poisoned.md, and ask again with the same keys"
        case .notWritten(let why): "nothing was written: \(why)"
        case .closed: "the log is closed"
        case .readOnly: "the log was opened for reading only"
        case .streamMissing(let name): "no stream \(name)"
        case .groupMissing(let stream, let group): "no consumer group \(group) on stream \(stream)"
        case .groupAlreadyThere(let stream, let group): "consumer group \(group) on stream \(stream) is already there"
        case .consumerHeld(let group, let consumer):
            "consumer \(consumer) of group \(group) is in use by a living process"
        case .refused(let refusal): refusal.description
        }
    }
}
