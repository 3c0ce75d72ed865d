// One log in a folder of its own, traded from by real `backstop serve` processes on a simulated exchange. Whoever uses
// it, a test or a programme, never opens it, and ends with `backstop verify` and exit status 0.

import Foundation
import Glibc

package struct TradingLog {
    package let folder: String
    package let exchange: Exchange
    package var path: String { folder + "/log" }

    /// - Parameter folder: is there already.
    package init(folder: String, exchange: Exchange) {
        self.folder = folder
        self.exchange = exchange
    }

    package enum Stream {
        package static let decisions = "quantum:stream:ai.decision.made"
        package static let intents = "quantum:stream:trade.intent"
        package static let fills = "backstop:stream:fill"
        package static let panics = "system:panic_close"
    }

    /// Short horizons: what takes twelve seconds on a real exchange takes two here.
    private static let settings = ["execution.horizon_margin_ms=50", "execution.order_wait_ms=300"]

    func environment(_ more: [String: String] = [:]) -> [String: String] {
        let all = [
            "PATH": "/usr/bin:/bin", "BACKSTOP_LOG": path, "BACKSTOP_LOG_RESERVE_BYTES": "0", "NO_COLOR": "1",
            "SWIFT_BACKTRACE": "enable=no", "BACKSTOP_EXCHANGE_KEY": Exchange.key,
            "BACKSTOP_EXCHANGE_SECRET": Exchange.secret,
        ]
        return all.merging(more) { $1 }
    }

    // MARK: Processes

    package func start(
        _ arguments: [String], environment more: [String: String] = [:], piped: RunningProgram.Piped = .nothing
    ) throws -> RunningProgram {
        try RunningProgram(arguments, folder: folder, environment: environment(more), piped: piped)
    }

    package func run(_ arguments: String...) throws -> Finished { try run(arguments) }
    package func run(_ arguments: [String]) throws -> Finished { try start(arguments).finish() }

    /// - Parameter failpoint: `name@n`, where it dies.
    package func serve(
        _ roles: String = "router,execution", failpoint: String? = nil, _ settings: [String] = [],
        environment more: [String: String] = [:]
    ) throws -> RunningProgram {
        let all = (TradingLog.settings + settings).flatMap { ["--set", $0] }
        var environment = more
        if let failpoint { environment["BACKSTOP_FAILPOINT"] = failpoint }
        return try start(["serve", "--roles", roles, "--exchange", exchange.url] + all, environment: environment)
    }

    /// SIGTERM and a drained end. Before a role listens a signal just ends the process.
    package func stop(_ service: RunningProgram) throws {
        try wait("it listens") { service.errors.contains(" listening on ") || !service.isRunning }
        service.send(SIGTERM)
        let finished = try service.finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
    }

    // MARK: Appending

    package func append(_ stream: String, _ fields: [String]) throws {
        let finished = try start(["append", stream] + fields).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
    }

    /// Several lines in one call, and so in one transaction.
    /// - Parameter status: the exit statuses that are fine.
    package func append(_ stream: String, lines: [String], status: Set<Int32> = [0]) throws {
        let path = folder + "/lines-" + UUID().uuidString
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
        let finished = try start(["append", stream, "--from", path]).finish()
        guard let end = finished.status, status.contains(end) else { throw Trouble("\(finished)") }
    }

    package func intent(_ symbol: String, _ side: String, _ quantity: String, trace: String) throws {
        try append(Stream.intents, TradingLog.order(symbol, side, quantity, trace))
    }

    package static func order(_ symbol: String, _ side: String, _ quantity: String, _ trace: String) -> [String] {
        ["trace_id=\(trace)", "symbol=\(symbol)", "side=\(side)"] + (quantity.isEmpty ? [] : ["quantity=\(quantity)"])
    }

    // MARK: Asking

    package func rows(_ arguments: [String]) throws -> [Row] {
        let finished = try start(arguments + ["--json"]).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
        return try finished.lines.map { try Row($0) }
    }

    package func records(_ conditions: String...) throws -> [Row] { try rows(["query", "--limit", "0"] + conditions) }

    package func status() throws -> Row {
        guard let row = try rows(["status"]).first else { throw Trouble("status --json said nothing") }
        return row
    }

    /// Waits for so many records of a kind, the oldest first; not longer than one of the services lives.
    package func wait(
        for count: Int, _ kind: String = "execution.result", _ services: [RunningProgram] = []
    ) throws -> [Row] {
        let query = try start(["query", "--follow", "--kind", kind, "--limit", "\(count)", "--json"])
        do {
            try wait("\(count) records of \(kind)") {
                if !query.isRunning { return true }
                guard services.isEmpty || services.contains(where: \.isRunning) else {
                    throw Trouble("no service is alive to append \(count) \(kind)")
                }
                return false
            }
        } catch {
            let said = services.map { "\($0.isRunning ? "runs" : "ended"): \($0.errors.suffix(2_000))" }
            throw Trouble("\(error)\n\(query.output)\n\(said.joined(separator: "\n"))")
        }
        let finished = try query.finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
        return try finished.lines.map { try Row($0) }
    }

    /// Waits until a condition holds, with a short breath between two looks.
    package func wait(_ what: String, within seconds: Double = Program.secondsMax, until isTrue: () throws -> Bool)
        throws
    {
        let limit = ContinuousClock.now + .seconds(seconds)
        while try !isTrue() {
            guard ContinuousClock.now < limit else { throw Trouble("\(what): not within \(seconds) s") }
            _ = poll(nil, 0, 5)
        }
    }
}
