// How the watchdog is started: without a log, which it opens by itself and for as long as it takes.

import EventLog
import Foundation
import Glibc
import Logging
import Processes
import Records
import Services

extension Serve {
    func serveWatchdog(_ settings: Settings, _ notifier: ServiceNotifier, _ logger: Logger) throws {
        let path = common.path
        let socket = try common.exitSocketPath()
        let common = self.common
        let options = WatchdogOptions(policy: try settings.watch, socketPath: socket, clock: .system) {
            let log = try common.open(.writing)
            logger.info("backstop \(Backstop.version) watches \(path), log \(log.id)")
            // Nothing waits for it: a log that takes no writes is watched all the same.
            OSThread.start("watch-config") { Serve.recordQuietly(settings, log, logger) }
            return log
        }
        let service = WatchdogService(options, notifier: notifier, logger: logger)
        try StopSignals.listen { number in
            logger.info("stopping: \(number == SIGTERM ? "SIGTERM" : "SIGINT")")
            service.stop()
        }
        service.run()
        Output.flush()
        // Threads that wait for a log that does not answer must not keep the process.
        Glibc._exit(0)
    }

    private static func recordQuietly(_ settings: Settings, _ log: EventLog, _ logger: Logger) {
        do { _ = try recordConfiguration(settings, log) } catch {
            logger.error("the watchdog's settings are not on record: \(error)")
        }
    }
}
