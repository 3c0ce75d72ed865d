// The watchdog's thresholds may be lowered, never raised; and they are on record.

import Domain
import Events
import Services
import Testing

@Suite struct WatchSettingsTests {
    private func policy(_ options: [String: String]) throws -> WatchPolicy {
        try Settings(file: nil, environment: [:], options: options).watch
    }

    @Test func theDefaultsAreTheDocumentedThresholds() throws {
        let policy = try policy([:])
        #expect(policy == WatchPolicy())
        #expect(
            [policy.missingMax, policy.unguardedMax, policy.degradedMax, policy.stagnantMax, policy.firstHeartbeatMax]
                == [5_000, 3_000, 5_000, 30_000, 30_000])
    }

    @Test(arguments: ["missing", "unguarded", "degraded", "stagnant"])
    func theyMayBeLoweredAndNeverRaised(name: String) throws {
        let documented = ["missing": 5_000, "unguarded": 3_000, "degraded": 5_000, "stagnant": 30_000][name] ?? 0
        let setting = "watchdog.\(name)_max_ms"
        #expect(try policy([setting: "100"]) != WatchPolicy())
        #expect(try policy([setting: "\(documented)"]) == WatchPolicy())
        for wrong in ["\(documented + 1)", "99", "0", "-1", "5s"] {
            #expect(throws: SettingError.self) { try policy([setting: wrong]) }
        }
    }

    @Test func theyAreRecorded() throws {
        let names = try Settings(file: nil, environment: [:], options: [:]).applied.settings.map(\.name)
        #expect(names.filter { $0.hasPrefix("watchdog.") }.count == 5)
    }
}
