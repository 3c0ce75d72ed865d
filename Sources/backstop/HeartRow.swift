// Hearts as status shows them.

import Domain
import EventLog
import Events
import Records
import Services

struct HeartRow {
    let service: String
    let heart: Heart
    /// Since the last heartbeat; nil: it is of another boot.
    let age: UInt64?

    var json: JSONValue {
        .object([
            JSONMember("service", .string(service)), JSONMember("status", .string(word)),
            JSONMember("active_positions", number(UInt64(heart.activePositions))),
            JSONMember("age_ms", age.map { number($0 / 1_000_000) } ?? .null),
        ])
    }

    var text: String {
        let since = age.map { "\($0 / 1_000_000_000).\($0 / 100_000_000 % 10) s ago" } ?? "before the last boot"
        return "\(service) \(word) \(since), \(heart.activePositions) positions"
    }

    private var word: String { heart.status == .degraded ? "DEGRADED" : "ALIVE" }
}

extension StatusReport {
    var heartAges: [HeartAges] {
        let now = log.clock.boot()
        return Watching.ages(
            state, WatchClock(now: now, bootID: SessionInfo.current(version: "").bootID, startedAt: now))
    }

    var hearts: [HeartRow] {
        let ages = heartAges
        return state.heartbeats.all.map { service, heart in
            HeartRow(service: service, heart: heart, age: ages.first { $0.service == service }?.heartbeat)
        }
    }
}
