// What `status` says of the bridge: its last report, and how old that is.

import EventLog
import Events
import Foundation
import RedisBridge
import Records

struct BridgeStatus {
    let report: JSONValue
    /// Since the report was written; a bridge that lives writes one every second.
    let ageMilliseconds: Int64

    /// Nil where no bridge of this log ever ran.
    init?(_ log: EventLog) {
        guard let report = BridgeReport.read(log.folder) else { return nil }
        self.report = report
        ageMilliseconds = max(0, log.clock.now().milliseconds - (BridgeStatus.whole(report["written_at_ms"]) ?? 0))
    }

    var isConnected: Bool { report["connected"] == .bool(true) && isFresh }
    private var isFresh: Bool { ageMilliseconds <= BridgeStatus.freshMilliseconds }
    /// A bridge that restores many keys, or waits for a slow Redis, may be late.
    private static let freshMilliseconds: Int64 = 15_000

    struct Stream {
        let redis: String
        let stream: String
        let row: JSONValue
        func whole(_ name: String) -> Int64? { BridgeStatus.whole(row[name]) }
        var stopped: String? {
            guard case .string(let why)? = row["stopped"] else { return nil }
            return why
        }
        var isWaiting: Bool { row["waiting"] == .bool(true) }
    }

    var imports: [Stream] { streams("imports") }
    var exports: [Stream] { streams("exports") }

    private func streams(_ name: String) -> [Stream] {
        guard case .array(let rows)? = report[name] else { return [] }
        return rows.map {
            Stream(redis: BridgeStatus.text($0["redis"]), stream: BridgeStatus.text($0["stream"]), row: $0)
        }
    }

    private static func text(_ value: JSONValue?) -> String {
        guard case .string(let text)? = value else { return "" }
        return text
    }

    private static func whole(_ value: JSONValue?) -> Int64? {
        guard case .number(let text)? = value else { return nil }
        return Int64(text)
    }

    // MARK: For people

    func print() {
        let state =
            isConnected
            ? Output.styled("connected", .green) : Output.styled(isFresh ? "NOT CONNECTED" : "NOT RUNNING", .red)
        Output.line(
            "bridge     \(BridgeStatus.text(report["redis"]))  \(state)   report \(ageMilliseconds / 1_000) s old")
        if case .object(let troubles)? = report["troubles"] {
            for trouble in troubles { Output.line("           \(trouble.name): \(BridgeStatus.text(trouble.value))") }
        }
        for one in imports {
            let lag = one.whole("lag").map { "\($0)" } ?? "?"
            let waits = one.isWaiting ? Output.styled("  WAITS for the log", .red) : ""
            Output.line(
                "           ← \(one.redis)  lag \(lag)  pending \(one.whole("pending") ?? 0)  imported \(one.whole("imported") ?? 0)  refused \(one.whole("refused") ?? 0)\(waits)"
            )
        }
        for one in exports {
            let stop = one.stopped.map { Output.styled("  STOPPED: \($0)", .red) } ?? ""
            Output.line("           → \(one.redis)  sent \(one.whole("sent") ?? 0)\(stop)")
        }
    }
}
