// The status as metrics, in Prometheus' text format (version 0.0.4). ops/alerts.yml uses these names; a test compares.

import Domain
import EventLog
import Events
import Records

extension StatusReport {
    func printMetrics() {
        printTradingMetrics()
        printHeartMetrics()
        printLogMetrics()
        printBridgeMetrics()
    }

    /// Nothing where no bridge of this log ever ran.
    private func printBridgeMetrics() {
        guard let bridge = BridgeStatus(log) else { return }
        Metric("backstop_bridge_connected", "1 while the bridge reports and has its connections").print(
            bridge.isConnected ? "1" : "0")
        Metric("backstop_bridge_report_age_seconds", "since the bridge's last report").print(
            "\(bridge.ageMilliseconds / 1_000)")
        let labels = bridge.imports.map { [("redis", $0.redis), ("stream", $0.stream)] }
        Metric("backstop_bridge_import_lag", "entries in Redis that were not read; NaN: Redis does not say").print(
            zip(labels, bridge.imports).map { ($0, $1.whole("lag").map { "\($0)" } ?? "NaN") })
        Metric("backstop_bridge_import_pending", "entries that were read and are not in the log yet").print(
            zip(labels, bridge.imports).map { ($0, "\($1.whole("pending") ?? 0)") })
        Metric("backstop_bridge_import_waiting", "1 while the log takes no entries of the stream").print(
            zip(labels, bridge.imports).map { ($0, $1.isWaiting ? "1" : "0") })
        Metric("backstop_bridge_export_stopped", "1: another writer was found on the stream in Redis").print(
            bridge.exports.map { ([("redis", $0.redis), ("stream", $0.stream)], $0.stopped == nil ? "0" : "1") })
    }

    private func printTradingMetrics() {
        let trading = state.trading
        Metric("backstop_trading_mode", "1 for the mode that trading is in").print(
            TradingState.Mode.allCases.map { ([("mode", $0.rawValue)], trading.mode == $0 ? "1" : "0") })
        Metric("backstop_halted", "1 while trading is halted").print(trading.halt == nil ? "0" : "1")
        Metric("backstop_exit_worker_listens", "1 where the exit worker can be reached through its socket").print(
            hasExitWorker ? "1" : "0")
        Metric("backstop_open_panics", "panic triggers without a completion").print("\(trading.panics.open.count)")
        Metric("backstop_last_panic_positions_failed", "positions that the last panic could not close").print(
            "\(trading.panics.lastCompletion?.positionsFailed ?? 0)")
        Metric("backstop_open_positions", "open positions, by ledger").print([
            ([("ledger", "fills")], "\(state.positions.openCount)"),
            ([("ledger", "exchange")], "\(state.attested.openCount)"),
        ])
        Metric("backstop_unresolved_orders", "orders whose outcome nobody knows").print(
            "\(state.orders.unknown.count)")
    }

    private func printHeartMetrics() {
        let ages = heartAges
        let none = "NaN"
        Metric("backstop_heartbeat_age_seconds", "since the last heartbeat; +Inf: before this boot").print(
            ages.map { ([("service", $0.service)], $0.heartbeat.map(seconds) ?? "+Inf") })
        Metric("backstop_heart_degraded_seconds", "DEGRADED without a break; NaN: it is not").print(
            ages.map { ([("service", $0.service)], $0.degraded.map(seconds) ?? none) })
        Metric("backstop_heart_undecided_seconds", "positions open and no decision; NaN: none are open").print(
            ages.map { ([("service", $0.service)], $0.undecided.map(seconds) ?? none) })
    }

    private func printLogMetrics() {
        Metric("backstop_log_head", "sequence of the last record").print("\(head.sequence)")
        Metric("backstop_log_fill_percent", "used of what the log may use").print("\(log.space().fillPercent)")
        let labels = groups.map { [("stream", $0.stream.description), ("group", $0.group)] }
        Metric("backstop_group_lag", "entries not delivered yet").print(
            zip(labels, groups).map { ($0, "\($1.lag)") })
        Metric("backstop_group_pending", "entries delivered and not acknowledged").print(
            zip(labels, groups).map { ($0, "\($1.pending)") })
        Metric("backstop_group_dead_letters", "entries that nobody could finish").print(
            zip(labels, groups).map { ($0, "\($1.deadLetters)") })
    }

    /// Milliseconds are kept.
    private func seconds(_ nanoseconds: UInt64) -> String {
        let milliseconds = String(nanoseconds / 1_000_000 % 1_000)
        let padding = String(repeating: "0", count: 3 - milliseconds.count)
        return "\(nanoseconds / 1_000_000_000).\(padding)\(milliseconds)"
    }
}

/// One gauge with its help.
private struct Metric {
    let name: String
    let help: String

    init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }

    func print(_ value: String) { print([([], value)]) }

    func print(_ samples: [(labels: [(String, String)], value: String)]) {
        Output.line("# HELP \(name) \(help)")
        Output.line("# TYPE \(name) gauge")
        for sample in samples {
            let labels = sample.labels.map { "\($0.0)=\"\(Metric.escaped($0.1))\"" }.joined(separator: ",")
            Output.line(labels.isEmpty ? "\(name) \(sample.value)" : "\(name){\(labels)} \(sample.value)")
        }
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "\\": "\\\\"
            case "\"": "\\\""
            case "\n": "\\n"
            default: String(character)
            }
        }.joined()
    }
}
