import ArgumentParser
import Domain
import EventLog
import Events
import Processes
import Records
import Services

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show trading state, positions, what is unresolved, groups, disk and the log's head.",
        discussion: """
            Keep the head that it prints somewhere else: `backstop verify --head N:HASH` then shows whether the
            log was cut off or rewritten since.

            Examples:
              backstop status
              backstop status --json | jq .trading
              backstop status --prometheus > /var/lib/node_exporter/backstop.prom
              backstop status --as-of 2026-01-17T03:12:00Z     as it was; what only now can be known is left out
            """)

    @Flag(help: "Metrics in Prometheus' text format; ops/alerts.yml has the rules for them.")
    var prometheus = false
    @Option(help: ArgumentHelp(AsOf.help, valueName: "time|seq"))
    var asOf: String?
    @Flag(help: "Say which views were not used, and why.")
    var verbose = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if prometheus, asOf != nil { throw ValidationError("metrics are of now: not with --as-of") }
    }

    func run() throws {
        try common.withLog(.reading) { log in
            let views = openViews(log, verbose: verbose)
            defer { views?.close() }
            if let asOf {
                let report = try PastStatus(try stateAsOf(asOf, log, views), log)
                if common.json { Output.json(report.json) } else { report.print() }
                return
            }
            let state = try StateReader.current(log, views: views)
            let (head, groups) = try log.snapshot { (try $0.head(), try $0.groups()) }
            let report = StatusReport(
                log: log, head: head, state: state, groups: groups, exitSocket: try common.exitSocketPath())
            if prometheus { return report.printMetrics() }
            if common.json { Output.json(report.json) } else { report.print() }
        }
    }
}

/// Views save time; where they cannot be opened (a read-only folder, say) the answer is folded afresh.
func openViews(_ log: EventLog, verbose: Bool = false) -> Views? {
    openViews(log) { if verbose { Output.error($0) } }
}

/// - Parameter note: hears which views were not used, and why.
func openViews(_ log: EventLog, note: @escaping @Sendable (String) -> Void) -> Views? {
    do { return try Views(for: log, note: note) } catch {
        Output.error("views cannot be used, folding the whole log: \(error)")
        return nil
    }
}

struct StatusReport {
    let log: EventLog
    let head: Head
    let state: State
    let groups: [GroupSummary]
    /// Where the exit worker listens.
    let exitSocket: String

    var hasExitWorker: Bool { LocalSocket.isListened(at: exitSocket) }

    // MARK: For machines

    var json: JSONValue {
        let space = log.space()
        let readers = log.readers()
        return .object(
            [
                JSONMember("head", number(head.sequence.rawValue)), JSONMember("log_id", .string(log.id.description)),
                JSONMember("head_hash", .string(head.hash.hex)), JSONMember("as_of_seq", number(state.asOf.rawValue)),
                JSONMember("hearts", .array(hearts.map(\.json))),
                JSONMember("exit_worker", .bool(hasExitWorker)),
            ] + StateReport(state).members + [
                JSONMember("groups", .array(groups.map(\.json))),
                JSONMember(
                    "disk",
                    .object([
                        JSONMember("used_bytes", number(UInt64(space.used))),
                        JSONMember("capacity_bytes", number(UInt64(space.capacity))),
                        JSONMember("free_bytes", number(UInt64(space.diskFree))),
                        JSONMember("reserve_bytes", number(UInt64(space.reserve))),
                        JSONMember("fill_percent", number(UInt64(space.fillPercent))),
                    ])),
                JSONMember(
                    "readers",
                    .object([
                        JSONMember("slots_used", number(UInt64(readers.inUse))),
                        JSONMember("slots_max", number(UInt64(readers.max))),
                    ])),
                JSONMember("bridge", BridgeStatus(log)?.report ?? .null),
            ])
    }

    // MARK: For people

    func print() {
        Output.line("log        \(log.id)  head \(Output.styled(grouped(head.sequence.rawValue), .bold))")
        Output.line("head hash  \(head)")
        StateReport(state).printTrading()
        printSafety()
        StateReport(state).printOrders()
        StateReport(state).printPositions()
        GroupTable.print(groups)
        BridgeStatus(log)?.print()
        let space = log.space()
        Output.line(
            "disk       \(bytes(space.used)) used of \(bytes(space.capacity)) (\(space.fillPercent) %), "
                + "\(bytes(space.diskFree)) free, reserve \(bytes(space.reserve))")
    }

    private func printSafety() {
        for heart in hearts { Output.line("heart      \(heart.text)") }
        Output.line(
            hasExitWorker
                ? "exit       the worker listens at \(exitSocket)"
                : "exit       no worker can be reached at \(exitSocket): a panic halts, and nothing is closed")
    }
}

func number(_ value: UInt64) -> JSONValue { .number(String(value)) }
