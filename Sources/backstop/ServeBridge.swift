// How the bridge to Redis is started.

import EventLog
import Events
import Foundation
import Logging
import RedisBridge
import Services

extension Serve {
    /// The option, or BACKSTOP_REDIS: there a password is not in the list of processes.
    var redisURL: String? { redis ?? ProcessInfo.processInfo.environment["BACKSTOP_REDIS"] }

    func startBridge(
        _ runner: RoleRunner, _ log: EventLog, _ views: Views?, _ settings: Settings, _ logger: Logger
    ) throws {
        guard wanted.contains("bridge"), let redisURL else { return }
        let plan = try settings.bridge
        let pulses = ["bridge-import": runner.pulse("bridge-import"), "bridge-export": runner.pulse("bridge-export")]
        let bridge = try Bridge(
            log: log, views: views, address: try RedisAddress(redisURL), plan: plan,
            host: ProcessInfo.processInfo.hostName, pid: UInt32(ProcessInfo.processInfo.processIdentifier),
            logger: logger, pulse: { pulses[$0]?() })
        for one in plan.imports { logger.info("bridge: Redis' \(one.redis) → \(one.stream)") }
        for one in plan.exports { logger.info("bridge: \(one.stream) → Redis' \(one.redis)") }
        for one in plan.exports where [StreamCatalogue.intents, StreamCatalogue.panics].contains(one.stream) {
            logger.warning(
                "bridge: \(one.stream) is exported: whoever acts on it in Redis acts beside the roles of this log")
        }
        runner.start("bridge-import", run: { try bridge.runImport() }, stop: { bridge.stop() })
        runner.start("bridge-export", run: { try bridge.runExport() }, stop: { bridge.stop() })
    }
}
