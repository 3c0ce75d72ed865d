// What the bridge knows of itself, for log lines and for `status`: one small file in the log's folder, written whole once
// a second. It is derived and for people; nothing is decided by it.

package import EventLog
package import Events
internal import Foundation
internal import Glibc
internal import Logging
internal import Records
internal import Services
internal import Synchronization

/// Redis' side of one imported stream, and what came of it since the start.
struct ImportTally: Equatable, Sendable {
    /// Entries that the group has not read; nil: Redis does not say.
    var lag: Int64?
    var pending: Int64 = 0
    var imported: UInt64 = 0
    /// Came again.
    var known: UInt64 = 0
    var refused: UInt64 = 0
    /// The log takes none for now.
    var isWaiting = false
}

struct ExportTally: Equatable, Sendable {
    var sent: UInt64 = 0
    var stopped: String?
}

final class BridgeBoard: Sendable {
    enum Side: String, CaseIterable { case importing, exporting }

    private struct Facts {
        var troubles: [Side: String]
        var imports: [ImportTally]
        var exports: [ExportTally]
        var writtenAt: UInt64 = 0
    }

    private let log: EventLog
    private let plan: BridgePlan
    private let redis: String
    private let logger: Logger
    private let facts: Mutex<Facts>

    init(_ log: EventLog, _ plan: BridgePlan, redis: String, _ logger: Logger) {
        self.log = log
        self.plan = plan
        self.redis = redis
        self.logger = logger
        facts = Mutex(
            Facts(
                troubles: [.importing: "not connected yet", .exporting: "not connected yet"],
                imports: plan.imports.map { _ in ImportTally() }, exports: plan.exports.map { _ in ExportTally() }))
    }

    // MARK: What happens

    func trouble(_ side: Side, _ what: String) {
        let isNew = facts.withLock { facts in
            defer { facts.troubles[side] = what }
            return facts.troubles[side] != what
        }
        if isNew { logger.error("bridge \(side.rawValue): \(what); it is tried again") }
        write(isDue: isNew)
    }

    func isWell(_ side: Side) {
        let was = facts.withLock { $0.troubles.removeValue(forKey: side) }
        if was != nil { logger.info("bridge \(side.rawValue): connected to \(redis), keys are restored") }
        write(isDue: was != nil)
    }

    func change(import place: Int, _ body: (inout ImportTally) -> Void) { facts.withLock { body(&$0.imports[place]) } }

    func sent(_ place: Int, _ count: Int) { facts.withLock { $0.exports[place].sent += UInt64(count) } }

    func stopped(_ place: Int, _ why: String?) {
        let before = facts.withLock { facts in
            defer { facts.exports[place].stopped = why }
            return facts.exports[place].stopped
        }
        guard before != why else { return }
        let export = plan.exports[place]
        if let why {
            logger.error(
                "bridge: ANOTHER WRITER on \(export.redis) in Redis: \(why); nothing is exported there, see ops/runbooks/bridge.md"
            )
        } else {
            logger.notice("bridge: \(export.redis) in Redis is ours again; it is exported")
        }
        write(isDue: true)
    }

    // MARK: The file

    /// Once a second, or where something has changed.
    func write(isDue: Bool = false) {
        let now = log.clock.boot().nanoseconds
        // Written inside the lock: two sides that write one file at once would leave half of it, or the older one.
        let problem: (any Error)? = facts.withLock { facts in
            let age = (now - min(now, facts.writtenAt)) / 1_000_000
            guard isDue || age >= UInt64(Limits.bridgeLookMilliseconds) else { return nil }
            facts.writtenAt = now
            let path = BridgeReport.path(log.folder)
            do {
                try Data(JSONText.render(json(facts)).utf8).write(to: URL(fileURLWithPath: path + ".new"))
                // Read by others while it is written: whole, always.
                guard rename(path + ".new", path) == 0 else { throw CocoaError(.fileWriteUnknown) }
                return nil
            } catch { return error }
        }
        if let problem { logger.warning("bridge: its report cannot be written: \(problem.localizedDescription)") }
    }

    private func json(_ facts: Facts) -> JSONValue {
        let imports = zip(plan.imports, facts.imports).map { plan, tally in
            JSONValue.object([
                JSONMember("redis", .string(plan.redis)), JSONMember("stream", .string(plan.stream.text)),
                JSONMember("lag", tally.lag.map { .number("\($0)") } ?? .null),
                JSONMember("pending", .number("\(tally.pending)")),
                JSONMember("imported", .number("\(tally.imported)")), JSONMember("known", .number("\(tally.known)")),
                JSONMember("refused", .number("\(tally.refused)")), JSONMember("waiting", .bool(tally.isWaiting)),
            ])
        }
        let exports = zip(plan.exports, facts.exports).map { plan, tally in
            JSONValue.object([
                JSONMember("stream", .string(plan.stream.text)), JSONMember("redis", .string(plan.redis)),
                JSONMember("sent", .number("\(tally.sent)")),
                JSONMember("stopped", tally.stopped.map { .string($0) } ?? .null),
            ])
        }
        let troubles = BridgeBoard.Side.allCases.compactMap { side in
            facts.troubles[side].map { JSONMember(side.rawValue, .string($0)) }
        }
        return .object([
            JSONMember("redis", .string(redis)), JSONMember("name", .string(plan.name)),
            JSONMember("written_at_ms", .number("\(log.clock.now().milliseconds)")),
            JSONMember("connected", .bool(troubles.isEmpty)), JSONMember("troubles", .object(troubles)),
            JSONMember("imports", .array(imports)), JSONMember("exports", .array(exports)),
        ])
    }
}

/// The bridge's last report, for `status`. Shape: `{"redis","name","written_at_ms","connected","troubles":{side: text},
/// "imports":[{"redis","stream","lag","pending","imported","known","refused","waiting"}],
/// "exports":[{"stream","redis","sent","stopped"}]}`; times in milliseconds, counts since the bridge's start.
package enum BridgeReport {
    package static func path(_ folder: LogFolder) -> String { folder.path + "/bridge.json" }

    /// Nil where no bridge ever ran, and where the file cannot be read: it decides nothing.
    package static func read(_ folder: LogFolder) -> JSONValue? {
        guard let data = FileManager.default.contents(atPath: path(folder)), data.count <= Limits.bridgeReportBytesMax
        else { return nil }
        // Half a file, or another's: `status` shows the rest all the same.
        return try? JSONText.read(Array(data))
    }
}
