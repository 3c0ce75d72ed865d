// How long recovery takes with many requests that have no outcome. A child leaves them exactly as a killed process does:
// it is execution's consumer, holds its lock, takes the intents, appends each request with execution's own journal,
// sends it or not, and is killed with SIGKILL before it notes anything. Then `serve --roles recovery` is timed.

import Domain
import EventLog
import Events
import Exchange
import ExchangeClient
import Foundation
import Logging
import Records
import Services

extension LogBench {
    private static let marginMilliseconds = 50

    /// From the start of the process to the stamp of the last result.
    /// - Parameter mode: `recovery-unsent`, `recovery-sent`, or `recovery-limited`, which is the same as the second, but
    ///   recovery keeps to production's limits.
    static func recovery(_ mode: String, _ folder: String, _ count: Int) throws {
        let log = try openLog(folder)
        defer { log.close() }
        let bench = try TradingBench(folder)
        defer { bench.stop() }
        let dead = try Child("log-bench", ["killed-" + mode, folder, "\(count)", bench.port], reads: .output)
        guard dead.line() == "\(count) requests" else { fail("it left no \(count) requests\n") }
        dead.waitForKill()

        let began = log.clock.boot().nanoseconds
        let serve = try bench.start("recovery", ["execution.horizon_margin_ms=\(marginMilliseconds)"])
        serve.ignoreTheRest()
        try TradingBench.wait(log, forEnds: count + 1, while: serve, everyMilliseconds: 100)
        let cpu = Double(try serve.cpuNanoseconds()) / 1e9
        serve.stop()
        let horizon = Limits.openingRecvWindowMillisecondsMax + marginMilliseconds
        print(
            String(
                format:
                    "{\"peer\":\"backstop\",\"mode\":\"%@\",\"n\":%d,\"filled\":%d,\"seconds\":%.3f,\"horizon_ms\":%d,"
                    + "\"serve_cpu_seconds\":%.2f}",
                mode, count, try filled(log), Double(try lastEnd(log) - began) / 1e9, horizon, cpu))
    }

    /// Never returns: it is killed as soon as the last request stands, and is sent where it is to be.
    static func leaveRequests(_ mode: String, _ folder: String, _ count: Int, port: Int) throws {
        let log = try openLog(folder)
        let journal = ExecutionJournal(log: log, policy: ExecutionPolicy(), producer: "execution")
        let reader = GroupReader(
            log: log, role: ExecutionRole(name: "execution", journal: journal), host: "bench", pid: UInt32(getpid()),
            batch: count, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let lock = try reader.begin()
        let client = ExchangeClient(
            host: try ExchangeHost("http://127.0.0.1:\(port)", isLive: false, environment: [:]),
            credentials: try Credentials(key: TradingBench.key, secret: TradingBench.secret),
            settings: ClientSettings())
        guard case .accepted = client.ask(.exchangeInfo(), .ordinary) else { fail("no rules of the exchange\n") }
        // One was delivered and not begun: who carries it out asks for the exchange's rules, and so learns that this
        // exchange has no limits. Until then, and so to its end where it is the last, recovery keeps to production's.
        _ = try TradingBench.append(log, 0..<count + 1)
        let delivered = try reader.new(count + 1)
        for delivered in mode == "killed-recovery-limited" ? delivered.dropLast() : delivered.dropFirst() {
            guard let record = try log.snapshot({ try $0.record(delivered.entry.sequence) }) else {
                fatalError("a delivered record is missing")
            }
            let request = try request(record, journal)
            guard mode != "killed-recovery-unsent" else { continue }
            let permit = SendPermit(appended: request.sequence, clientOrderID: request.clientOrderID)
            let answer = client.place(try request.order, permit: permit, .ordinary) { true }
            guard case .accepted = answer else { fail("an order was not accepted: \(answer)\n") }
        }
        print("\(count) requests")
        fflush(nil)
        kill(getpid(), SIGKILL)
        withExtendedLifetime(lock) {}
    }

    private static func request(_ record: Record, _ journal: ExecutionJournal) throws -> RequestedOrder {
        guard case .tradeIntent(let intent) = try EventRecord.decode(record) else { fatalError("no intent") }
        let plan = OrderPlan(
            leg: 1, symbol: try SymbolName(intent.symbol), side: intent.action == .buy ? .buy : .sell,
            positionSide: .both, quantity: try ExactDecimal(intent.quantity), reduceOnly: false)
        let answer = try journal.request(plan, of: record.sequence, traceID: record.traceID, evidence: [])
        guard case .committed(let request) = answer else { fatalError("\(answer)") }
        return request
    }
}
