// The watchdog's thresholds. They may be lowered below the documented ones, never raised: whoever needs a longer one
// has a heart that beats too slowly.

package import Domain
internal import Records

extension Settings {
    package var watch: WatchPolicy {
        get throws(SettingError) {
            var policy = WatchPolicy()
            policy.missingMax = try threshold("watchdog.missing_max_ms", Limits.watchdogMissingMillisecondsMax)
            policy.unguardedMax = try threshold("watchdog.unguarded_max_ms", Limits.watchdogUnguardedMillisecondsMax)
            policy.degradedMax = try threshold("watchdog.degraded_max_ms", Limits.watchdogDegradedMillisecondsMax)
            policy.stagnantMax = try threshold("watchdog.stagnant_max_ms", Limits.watchdogStagnantMillisecondsMax)
            policy.firstHeartbeatMax = try threshold(
                "watchdog.first_heartbeat_max_ms", Limits.watchdogFirstHeartbeatMillisecondsMax)
            return policy
        }
    }

    private func threshold(_ name: String, _ max: Int) throws(SettingError) -> UInt64 {
        let value = try integer(name)
        let range = Limits.watchdogThresholdMillisecondsMin...max
        guard range.contains(value) else {
            throw SettingError(name, "\(range.lowerBound) to \(range.upperBound) ms is needed, found \(value)")
        }
        return UInt64(value)
    }
}
