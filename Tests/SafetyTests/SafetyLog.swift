// One log in a temporary folder, with a heart and a watchdog as real processes. While they run the test asks only
// through `backstop`; the records' own stamps are read when all have ended.

import EventLog
import Events
import Foundation
import Glibc
import Processes
import Programmes
import Records
import Testing

struct SafetyLog {
    let folder: String
    var path: String { folder + "/log" }
    var socket: String { folder + "/exit.sock" }

    func environment(_ more: [String: String] = [:]) -> [String: String] {
        let all = [
            "PATH": "/usr/bin:/bin", "BACKSTOP_LOG": path, "BACKSTOP_LOG_RESERVE_BYTES": "0", "NO_COLOR": "1",
            "SWIFT_BACKTRACE": "enable=no", "BACKSTOP_EXIT_SOCKET": socket,
        ]
        return all.merging(more) { $1 }
    }

    // MARK: Processes

    func start(
        _ arguments: [String], environment more: [String: String] = [:], piped: RunningProgram.Piped = .nothing
    ) throws -> RunningProgram {
        try RunningProgram(arguments, folder: folder, environment: environment(more), piped: piped)
    }

    func run(_ arguments: String...) throws -> Finished { try start(arguments).finish() }

    func watchdog(
        _ settings: [String] = [], environment more: [String: String] = [:], isListening: Bool = true
    ) throws -> RunningProgram {
        let all = ["serve", "--roles", "watchdog"] + settings.flatMap { ["--set", $0] }
        let watchdog = try start(all, environment: more)
        if isListening { try wait("the watchdog listens", watchdog) { $0.contains("watchdog listening on") } }
        return watchdog
    }

    /// Beats; its standard output has a line for each.
    func heart(_ arguments: String...) throws -> RunningProgram {
        try start(["exit-brain", "--json"] + arguments, piped: .output)
    }

    /// Somebody in the middle of a write transaction. It ends it when its standard input ends.
    func holder() throws -> RunningProgram {
        let soak = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path + "/log-soak"
        let holder = try RunningProgram(
            ["child", "fairness-hold", path], folder: folder, environment: environment(), piped: .inputAndOutput,
            program: soak)
        guard try holder.answers?.next() == "holding" else { throw Trouble("the log is not held: \(holder.errors)") }
        return holder
    }

    /// Waits for so many more heartbeats.
    func beats(_ count: Int, of heart: RunningProgram) throws {
        for _ in 0..<count where try heart.answers?.next() == nil { throw Trouble("the heart ended: \(heart.errors)") }
    }

    /// Waits until its standard error says so.
    func wait(_ what: String, _ process: RunningProgram, until isTrue: (String) -> Bool) throws {
        try wait(what, said: { process.errors }) {
            guard process.isRunning else { throw Trouble("\(what): it ended; \(process.errors)") }
            return isTrue(process.errors)
        }
    }

    func wait(_ what: String, said: () -> String = { "" }, until isTrue: () throws -> Bool) throws {
        let limit = ContinuousClock.now + .seconds(Program.secondsMax)
        while try !isTrue() {
            guard ContinuousClock.now < limit else {
                throw Trouble("\(what): not within \(Program.secondsMax) s; \(said().suffix(2_000))")
            }
            _ = poll(nil, 0, 5)
        }
    }

    /// SIGTERM, and exit status 0.
    func stop(_ processes: RunningProgram..., location: SourceLocation = #_sourceLocation) throws {
        for process in processes {
            process.send(SIGTERM)
            let finished = try process.finish()
            #expect(finished.status == 0, "\(finished)", sourceLocation: location)
        }
    }

    // MARK: Records

    struct Stamped {
        let sequence: UInt64
        let event: Event
        /// By the boot's clock, in seconds.
        let seconds: Double
    }

    /// All of one kind, with their own stamps. Only when no process of the test writes any more.
    func records(_ kind: EventKind) throws -> [Stamped] {
        let log = try EventLog(
            at: path, mode: .reading, rules: EventRules.rules,
            options: LogOptions(bytesMax: .max, reserveBytes: 0, clock: .system, version: "tests"))
        defer { log.close() }
        var found: [Stamped] = []
        try log.walk(from: SequenceNumber(1), through: nil) { view in
            guard view.kind == kind.kind else { return true }
            let record = try view.record()
            found.append(
                Stamped(
                    sequence: record.sequence.rawValue, event: try EventRecord.decode(record),
                    seconds: Double(record.header.monotonicAt.nanoseconds) / 1e9))
            return true
        }
        return found
    }

    func triggers() throws -> [(reason: String, issuer: String, eventID: String, stamp: Stamped)] {
        try records(.panicRequested).map { stamp in
            guard case .panicRequested(let request) = stamp.event else { throw Trouble("no trigger") }
            return (request.reason, request.issuer, request.eventID, stamp)
        }
    }

    /// One trigger, and how old the last heartbeat before it was.
    func onlyTrigger(location: SourceLocation = #_sourceLocation) throws -> (reason: String, age: Double) {
        let triggers = try triggers()
        #expect(triggers.count == 1, "\(triggers)", sourceLocation: location)
        let trigger = try #require(triggers.first, sourceLocation: location)
        #expect(trigger.issuer == "watchdog", sourceLocation: location)
        let last = try records(.heartbeat).last { $0.sequence < trigger.stamp.sequence }
        return (trigger.reason, trigger.stamp.seconds - (try #require(last, sourceLocation: location)).seconds)
    }

    func append(_ stream: String, _ fields: String...) throws {
        let finished = try start(["append", stream] + fields).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
    }

    func openPosition() throws {
        try append(
            "backstop:stream:fill", "venue=binance", "account=main", "symbol=BTCUSDT", "trade_id=1", "side=BUY",
            "position_side=BOTH", "quantity=0.5", "price=60000")
    }
}

/// Makes a log, lends it, verifies and audits it, removes it.
/// - Parameter auditStatus: 1 where a watchdog was kept from its work, which its audit must find.
func withSafetyLog(
    isMade: Bool = true, auditStatus: Int32 = 0, location: SourceLocation = #_sourceLocation,
    _ body: (SafetyLog) throws -> Void
) throws {
    let log = SafetyLog(
        folder: FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString)
    defer { try? FileManager.default.removeItem(atPath: log.folder) }  // harms no test
    try FileManager.default.createDirectory(atPath: log.folder, withIntermediateDirectories: true)
    if isMade { #expect(try log.run("init").status == 0) }
    try body(log)
    let verified = try log.run("verify")
    #expect(verified.status == 0, "\(verified)", sourceLocation: location)
    let audited = try log.run("audit")
    #expect(audited.status == auditStatus, "\(audited)", sourceLocation: location)
}

/// What came in over the exit worker's socket, and when by the boot's clock.
final class Woken: Sendable {
    private let lock = NSLock()
    nonisolated(unsafe) private var messages: [(fields: [String: String], seconds: Double)] = []

    /// A handler for LocalSocketListener.
    func take(_ bytes: [UInt8]) -> [UInt8] {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        let object = try? JSONSerialization.jsonObject(with: Data(bytes))  // what is no JSON has no fields
        lock.withLock {
            messages.append((object as? [String: String] ?? [:], Double(time.tv_sec) + Double(time.tv_nsec) / 1e9))
        }
        return Array(#"{"outcome":"taken"}"#.utf8)
    }

    var all: [(fields: [String: String], seconds: Double)] { lock.withLock { messages } }
}
