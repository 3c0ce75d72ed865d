// Roles on threads of their own, until a signal or until one of them fails; then all are stopped and
// waited for, so that what was begun is finished. The service manager hears that the process is alive for as long as
// every loop that has a pulse goes round.

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
    private let notifier: ServiceNotifier
    /// By role, when its loop last went round.
    private var pulses: [String: ContinuousClock.Instant] = [:]

    init(logger: Logger, notifier: ServiceNotifier) throws {
        self.logger = logger
        self.notifier = notifier
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

    /// For a role's loop, to be called in every round.
    func pulse(_ name: String) -> @Sendable () -> Void {
        { self.lock.withLock { self.pulses[name] = .now } }
    }

    private func beat() {
        guard let interval = notifier.aliveInterval else { return }
        let oldest = ContinuousClock.now - .milliseconds(interval)
        if lock.withLock({ pulses.values.allSatisfy { $0 >= oldest } }) { notifier.alive() }
    }

    private func fail(_ name: String, _ error: any Error) {
        logger.critical("\(name) cannot go on: \(error)")
        lock.withLock { failure = failure ?? "\(name): \(error)" }
        end.signal()
    }

    /// Stops what runs, and waits for it. Also where a later role could not be started: nothing that a role uses may be
    /// closed under it.
    func stopAll() {
        let roles = running
        running = []
        for role in roles { role.stop() }
        for role in roles { role.ended.wait() }
    }

    /// Returns after a signal and a drained stop; throws where a role failed.
    func waitForEnd() throws {
        while end.wait(timeout: .now() + .milliseconds(250)) == .timedOut { beat() }
        notifier.stopping()
        stopAll()
        if let failure = lock.withLock({ failure }) { throw NegativeFinding(text: failure) }
    }
}
