// How long ago a record was written, by the clock that does not jump: within one boot the boot clock, beyond it the wall
// clock, which is all there is.

package import Domain
package import EventLog
internal import Events
package import Records

package struct RecordAge: Sendable {
    private let log: EventLog
    private let bootID: String

    package init(_ log: EventLog) {
        self.log = log
        bootID = SessionInfo.current(version: "").bootID
    }

    /// By the boot clock; nil: it was written in another boot.
    package func instant(of moment: Moment) throws -> BootInstant? {
        guard let session = try log.snapshot({ try $0.record(moment.session) }),
            case .sessionStarted(let message) = try EventRecord.decode(session), message.bootID == bootID
        else { return nil }
        return moment.monotonicAt
    }

    package func milliseconds(since moment: Moment) throws -> Int64 {
        if let instant = try instant(of: moment) {
            return Int64(log.clock.boot().nanoseconds / 1_000_000) - Int64(instant.nanoseconds / 1_000_000)
        }
        return max(0, (log.clock.now().nanoseconds - moment.recordedAt.nanoseconds) / 1_000_000)
    }
}
