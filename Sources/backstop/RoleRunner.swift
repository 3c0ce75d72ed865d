// Roles on threads of their own, until a signal or until one of them fails; then all are stopped and
// waited for, so that what was begun is finished.

import Dispatch
import EventLog
import Foundation
import Glibc
import Logging
import Processes

final class RoleRunner: @unchecked Sendable {
    private struct Running {
        let name: String
        let stop: @Sendable () -> Void
        let ended: DispatchSemaphore
    }

    private let logger: Logger
    private let lock = NSLock()
    private var running: [Running] = []
    private var failure: String?
    private let end = DispatchSemaphore(value: 0)

    init(logger: Logger) throws {
        self.logger = logger
        let end = end
        try StopSignals.listen { number in
            logger.info("stopping: \(number == SIGTERM ? "SIGTERM" : "SIGINT")")
            end.signal()
        }
    }

    func start(_ name: String, run: @escaping @Sendable () throws -> Void, stop: @escaping @Sendable () -> Void) {
        let ended = DispatchSemaphore(value: 0)
        running.append(Running(name: name, stop: stop, ended: ended))
        OSThread.start("role-\(name)") {
            do { try run() } catch { self.fail(name, error) }
            ended.signal()
        }
    }

    private func fail(_ name: String, _ error: any Error) {
        logger.critical("\(name) cannot go on: \(error)")
        lock.withLock { failure = failure ?? "\(name): \(error)" }
        end.signal()
    }

    /// Returns after a signal and a drained stop; throws where a role failed.
    func waitForEnd() throws {
        end.wait()
        for role in running { role.stop() }
        for role in running { role.ended.wait() }
        if let failure = lock.withLock({ failure }) { throw NegativeFinding(text: failure) }
    }
}
