// One report of recovery for all roles of a process, which tell it from their threads; it logs the table when it is
// complete, and what is left of it when the process ends.

package import Logging
internal import Synchronization

package final class RecoveryBoard: Sendable {
    private let report: Mutex<RecoveryReport>
    private let logger: Logger

    package init(awaiting parts: [String], logger: Logger) {
        report = Mutex(RecoveryReport(awaiting: parts))
        self.logger = logger
    }

    package func tell(_ change: (inout RecoveryReport) -> Void) {
        let lines = report.withLock { report in
            change(&report)
            return report.takeTable()
        }
        if let lines { logger.notice("RECOVERED: \(lines.joined(separator: "\n"))") }
    }

    /// What has no end goes on after the next start.
    package func end() {
        guard let lines = report.withLock({ $0.takeRest() }) else { return }
        logger.warning("RECOVERY did not come to its end: \(lines.joined(separator: "\n"))")
    }
}
