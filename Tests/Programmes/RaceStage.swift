// The processes of a race, which live for many races: an exchange, a log, each role in a process of its own.

import Domain
import EventLog
import Events
import Foundation
import Records
import Services

final class RaceStage {
    private static let producerCount = 3
    private static let decisionsPerProducer = 8
    private static let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "LTCUSDT"]
    /// recvWindow and a second: Promise 5.
    private static let fenceMilliseconds = 6_000

    private let exchange: Exchange
    private let log: TradingLog
    private let socket: String
    private var roles: [String: RunningProgram] = [:]
    private var producers: [RunningProgram] = []
    private var requests: Follower?
    private var completions: Follower?
    /// The log's head when the race began.
    private var head = 0
    /// Of the last race.
    private(set) var openings = 0

    init(folder: String) throws {
        exchange = try Exchange(["--latency", "20", "--weight-limit", "1000000"], folder: folder)
        log = TradingLog(folder: folder, exchange: exchange)
        socket = folder + "/exit.sock"
        let made = try log.run("init")
        guard made.status == 0 else { throw Trouble("\(made)") }
        let stream = TradingLog.Stream.decisions
        producers = try (0..<RaceStage.producerCount).map { _ in
            try log.start(["append", stream, "--from", "-", "--json"], piped: .inputAndOutput)
        }
        (requests, completions) = (try Follower(log, "order.requested"), try Follower(log, "panic.completed"))
        for role in ["router", "execution", "exit"] { try start(role) }
        try startHeart()
        try start("watchdog")
    }

    /// The end of what each of them has said.
    var said: String { roles.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.errors.suffix(800))" }.joined() }

    // MARK: Processes

    private static let listening = [
        "router": "router listening", "execution": "execution listening", "exit": "the recorder answers",
        "watchdog": "watching exit_brain",
    ]

    private func start(_ role: String) throws {
        let settings = role == "execution" ? ["execution.in_flight_max=4", "feeds.interval_ms=500"] : []
        var arguments = ["serve", "--roles", role] + settings.flatMap { ["--set", $0] }
        if role == "execution" || role == "exit" { arguments += ["--exchange", exchange.url] }
        roles[role] = try log.start(arguments, environment: environment)
        try wait(role, says: RaceStage.listening[role] ?? "")
    }

    private var environment: [String: String] {
        ["BACKSTOP_EXIT_SOCKET": socket, "RUNTIME_DIRECTORY": log.folder]
    }

    private func startHeart() throws {
        roles["heart"] = try log.start(["exit-brain"], environment: environment)
    }

    private func wait(_ role: String, says text: String, times: Int = 1) throws {
        try log.wait("\(role) says \(text)") {
            guard let process = roles[role], process.isRunning else { throw Trouble("\(role) ended\n\(said)") }
            return process.errors.components(separatedBy: text).count > times
        }
    }

    // MARK: A race

    func begin(_ plan: RacePlan) throws {
        head = try log.status().number("head")
        if let fault = plan.fault.text { try exchange.fault(fault) }
        for (number, producer) in producers.enumerated() {
            let lines = (0..<RaceStage.decisionsPerProducer).map { line in
                let symbol = RaceStage.symbols[(line * RaceStage.producerCount + number) % RaceStage.symbols.count]
                return #"{"trace_id":"r\#(plan.number)-\#(number)-\#(line)","symbol":"\#(symbol)","side":"buy","#
                    + #""confidence":"0.9","position_size_usd":"300"}"# + "\n"
            }
            try producer.write(lines.joined())
        }
        for _ in 0..<plan.openingsBefore { _ = try requests?.wait { _ in true } }
        try trigger(plan)
        if plan.killsExecution { try kill("execution") }
        if plan.killsExit { try kill("exit") }
    }

    private func kill(_ role: String) throws {
        _ = try roles[role]?.killNow()
        try start(role)
    }

    private func trigger(_ plan: RacePlan) throws {
        switch plan.trigger {
        case .command: try panic()
        case .socket:
            let message = PanicMessage(reason: "race", issuer: "ops", at: LogClock.system.now())
            guard try ExitSocket.send(message.fields, to: socket, milliseconds: 5_000) == .taken else {
                throw Trouble("the exit worker does not take a trigger")
            }
        case .deadHeart: _ = try roles["heart"]?.killNow()
        case .twice:
            try panic()
            try panic()
        }
    }

    private func panic() throws {
        let finished = try log.start(["panic", "--reason", "race"], environment: environment).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
    }

    /// What is wrong; then trading is resumed, for the next race.
    func finish(_ plan: RacePlan, opensAfterwards: Bool = false) throws -> [String] {
        let count = plan.trigger == .twice ? 2 : 1
        let ends = try (0..<count).compactMap { _ in try completions?.wait { _ in true } }
        if opensAfterwards { try exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01") }
        var problems = try judgeExchange(ends)
        guard !opensAfterwards else { return problems }
        try log.wait("everything has its end") { try hasSettled() }
        problems += try judgeLog()
        try resume()
        if plan.trigger == .deadHeart {
            let watched = roles["watchdog"]?.errors.components(separatedBy: "watching exit_brain").count ?? 0
            try startHeart()
            try wait("watchdog", says: "watching exit_brain", times: watched)
        }
        return problems
    }

    /// The look that it takes may have to wait for the exchange's limits.
    private func resume() throws {
        var last: Finished?
        do {
            try log.wait("trading is resumed") {
                last = try log.run(
                    "resume", "--operator", "race", "--reason", "next", "--exchange", exchange.url, "--profile", "seeds"
                )
                return last?.status == 0
            }
        } catch { throw Trouble("\(error): \(last.map { "\($0)" } ?? "")") }
    }

    private func judgeExchange(_ ends: [Row]) throws -> [String] {
        let held = try exchange.positions()
        let failed = ends.map { $0.row("data").number("positions_failed") }.filter { $0 > 0 }
        return (held.isEmpty ? [] : ["completed, and still held: \(held)"])
            + (failed.isEmpty ? [] : ["\(failed) positions were not closed"])
    }

    private func hasSettled() throws -> Bool {
        let status = try log.status()
        return status.number("intents_open") == 0 && status.rows("positions").isEmpty
            && status.rows("orders_open").isEmpty
    }

    private func judgeLog() throws -> [String] {
        let records = try log.records("--seq", "\(head + 1)..")
        let panics = records.filter { $0.text("kind") == "panic.requested" }
        guard let halt = panics.first else { return ["no trigger is in the log"] }
        let requests = records.filter { $0.text("kind") == "order.requested" }
        let opening = requests.filter { $0.row("data").flag("reduce_only") != true }
        openings = opening.count
        let late = opening.filter { $0.number("seq") > halt.number("seq") }
        let fence = try TimeText.read(halt.text("recorded_at")).milliseconds + Int64(RaceStage.fenceMilliseconds)
        let names = Set(opening.map { $0.row("data").text("client_order_id") })
        let accepted = try exchange.orders().filter { names.contains($0.text("clientOrderId")) }
        let afterFence = accepted.filter { Int64($0.number("time")) > fence }
        return late.map { "opens after the halt: \($0)" } + afterFence.map { "accepted after the fence: \($0)" }
    }
}
