// What operators are given fits the program: units that systemd takes, metrics that the alert rules use, and runbooks
// that are there.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct OperationsTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let roles = ["router", "execution", "recovery", "watchdog", "exit", "bridge"]
    private static let analyze = "/usr/bin/systemd-analyze"

    private func unit(_ role: String) throws -> String {
        try String(contentsOfFile: OperationsTests.root + "/ops/systemd/backstop-\(role).service", encoding: .utf8)
    }

    @Test(
        .enabled(if: access(OperationsTests.analyze, X_OK) == 0, "systemd-analyze is not installed"), arguments: roles)
    func systemdTakesTheUnit(role: String) throws {
        try withSafetyLog { log in
            // The program is not installed where tests run.
            let text = try unit(role).replacing("/usr/bin/backstop", with: Program.path)
            let path = log.folder + "/backstop-\(role).service"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            let finished = try RunningProgram(
                ["verify", "--man=no", path], folder: log.folder, environment: log.environment(), piped: .nothing,
                program: OperationsTests.analyze
            ).finish()
            #expect(finished.status == 0 && !finished.errors.contains("backstop"), "\(finished)")
        }
    }

    @Test(arguments: roles) func theUnitIsHardened(role: String) throws {
        let lines = Set(try unit(role).split(separator: "\n").map(String.init))
        for wanted in [
            "Type=notify", "User=backstop", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes",
            "StateDirectory=backstop", "RuntimeDirectory=backstop", "RuntimeDirectoryPreserve=yes", "Restart=always",
            "CapabilityBoundingSet=", "Environment=BACKSTOP_EXIT_SOCKET=/run/backstop/exit.sock",
        ] { #expect(lines.contains(wanted), "\(role) lacks \(wanted)") }
        #expect(lines.contains { $0.hasPrefix("WatchdogSec=") })
        guard ["watchdog", "exit"].contains(role) else { return }
        #expect(lines.isSuperset(of: ["RestartSec=100ms", "StartLimitIntervalSec=0"]), "\(role)")
    }

    /// Of names in the rules, all are in the output; each rule names a page, and the page is there.
    @Test func alertsUseTheMetricsThatThereAre() throws {
        let rules = try String(contentsOfFile: OperationsTests.root + "/ops/alerts.yml", encoding: .utf8)
            .split(separator: "\n")
        try withSafetyLog { log in
            try log.openPosition()
            let heart = try log.heart()
            try log.beats(1, of: heart)
            try log.stop(heart)
            try log.append("quantum:stream:trade.intent", "trace_id=t", "symbol=BTCUSDT", "side=buy", "quantity=1")
            #expect(try log.run("groups", "create", "quantum:stream:trade.intent", "g").status == 0)
            // Nobody listens there; its report says so.
            let bridge = try log.start(["serve", "--roles", "bridge", "--redis", "redis://127.0.0.1:1"])
            try log.wait("the bridge reports") {
                FileManager.default.fileExists(atPath: log.path + "/bridge.json")
            }
            try log.stop(bridge)
            let finished = try log.run("status", "--prometheus")
            #expect(finished.status == 0, "\(finished)")
            let there = Set(finished.lines.filter { !$0.hasPrefix("#") }.map { $0.prefix { !" {".contains($0) } })
            let used = Set(
                rules.filter { $0.contains("expr:") }.flatMap { $0.matches(of: /backstop_[a-z_]+/).map(\.output) })
            #expect(used.count > 10 && used.isSubset(of: there), "not there: \(used.subtracting(there))")
            let unused = there.subtracting(used)
            #expect(unused.isEmpty, "no rule uses \(unused)")
        }
        let alerts = rules.filter { $0.contains("- alert:") }.count
        let pages = rules.filter { $0.contains("runbook:") }.compactMap { $0.split(separator: " ").last }
        #expect(alerts > 10 && pages.count == alerts)
        for page in Set(pages) {
            #expect(FileManager.default.fileExists(atPath: OperationsTests.root + "/" + page), "\(page) is missing")
        }
    }

    @Test func metricsSayWhatIs() throws {
        try withSafetyLog { log in
            try log.openPosition()
            try log.append(
                "exit_brain:heartbeat", "service_id=a\"b", "status=DEGRADED", "active_positions=1", "last_decision_ts=0"
            )
            #expect(try log.run("panic", "--reason", "test").status == 0)
            let lines = try log.run("status", "--prometheus").lines
            for wanted in [
                #"backstop_trading_mode{mode="HALTED"} 1"#, #"backstop_trading_mode{mode="ACTIVE"} 0"#,
                "backstop_halted 1", "backstop_exit_worker_listens 0",
                "backstop_open_panics 1", "backstop_last_panic_positions_failed 0",
                #"backstop_open_positions{ledger="fills"} 1"#, #"backstop_open_positions{ledger="exchange"} 0"#,
                "# TYPE backstop_halted gauge",
            ] { #expect(lines.contains { $0 == wanted }, "\(wanted) is missing") }
            for name in [
                "backstop_heartbeat_age_seconds", "backstop_heart_degraded_seconds", "backstop_heart_undecided_seconds",
            ] {
                let line = try #require(lines.first { $0.hasPrefix(name) })
                #expect(line.wholeMatch(of: /[a-z_]+\{service="a\\"b"\} [0-9]+\.[0-9]{3}/) != nil, "\(line)")
            }
        }
    }
}
