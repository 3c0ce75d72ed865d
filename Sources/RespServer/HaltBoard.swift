// Whether trading is halted, and why, as of the log's head: the fold, kept in memory and brought up to the head by
// whoever asks. Inside a transaction it shows the state from before it.

package import Domain
package import EventLog
internal import Records
package import Services
internal import Synchronization

package final class HaltBoard: Sendable {
    private let log: EventLog
    private let state: Mutex<State>

    /// Folds the log from the newest checkpoint; without views from its beginning.
    package init(_ log: EventLog, views: Views?) throws {
        self.log = log
        state = Mutex(try StateReader.current(log, views: views))
    }

    package func current() throws -> State {
        try state.withLock { state in
            state = try StateReader.fold(log, from: state)
            return state
        }
    }

    /// The members of the hash; nil: not halted, and then there is none.
    func hash() throws -> [(name: String, value: String)]? {
        HaltKeys.members(of: try current())
    }
}
