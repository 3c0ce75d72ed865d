import ArgumentParser
import Domain
import EventLog
import Events
import Records
import Services

struct Positions: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show positions, as the fold of all fills gives them.",
        discussion: """
            Examples:
              backstop positions
              backstop positions --all --json        closed ones too, with profit and fees
              backstop positions --as-of 2026-01-17T03:12:00Z
              backstop positions --as-of 1204        as they were after record 1204
            """)

    @Flag(help: "Closed positions, too.")
    var all = false
    @Option(help: ArgumentHelp(AsOf.help, valueName: "time|seq"))
    var asOf: String?
    @Flag(help: "Say which views were not used, and why.")
    var verbose = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.withLog(.reading) { log in
            let views = openViews(log, verbose: verbose)
            defer { views?.close() }
            let state = try stateAsOf(asOf, log, views)
            let rows = (all ? state.positions.all : state.positions.open).map { PositionRow($0.key, $0.position) }
            if common.json {
                for row in rows { Output.json(row.json(asOf: state.asOf)) }
                return
            }
            PositionTable(rows).print(title: nil)
            Output.line(Output.styled(try asOfText(state.asOf, log), .dim))
            for anomaly in state.positions.anomalies.suffix(5) {
                Output.line(Output.styled("anomaly at \(anomaly.sequence): \(anomaly.text)", .yellow))
            }
        }
    }
}

/// The state now, or as it was.
func stateAsOf(_ text: String?, _ log: EventLog, _ views: Views?) throws -> State {
    guard let text else { return try StateReader.current(log, views: views) }
    let sequence = try AsOf.read(text, log)
    let state = try StateReader.state(log, views: views, asOf: sequence) {
        Output.progress("folding \(grouped($0.rawValue)) of \(grouped(sequence.rawValue))")
    }
    Output.endProgress()
    return state
}

/// For people: which record, and when it was recorded.
func asOfText(_ sequence: SequenceNumber, _ log: EventLog) throws -> String {
    guard let record = try log.snapshot({ try $0.record(sequence) }) else { return "as of 0: before the first record" }
    return "as of \(grouped(sequence.rawValue)), recorded at \(TimeText.render(record.header.recordedAt))"
}

struct PositionRow {
    let key: PositionKey
    let position: Position

    init(_ key: PositionKey, _ position: Position) {
        self.key = key
        self.position = position
    }

    var json: JSONValue { .object(members) }

    func json(asOf: SequenceNumber) -> JSONValue {
        .object(members + [JSONMember("as_of_seq", number(asOf.rawValue))])
    }

    var side: String {
        switch key.leg {
        case .both: "BOTH"
        case .long: "LONG"
        case .short: "SHORT"
        }
    }

    var fees: String { position.fees.all.map { "\($0.sum) \($0.asset)" }.joined(separator: ", ") }

    private var members: [JSONMember] {
        [
            JSONMember("symbol", .string(key.symbol)), JSONMember("position_side", .string(side)),
            JSONMember("quantity", .string(position.quantity.description)),
            JSONMember("entry_price", position.averageEntry.map { .string($0.description) } ?? .null),
            JSONMember("cost", .string(position.cost.description)),
            JSONMember("realised_profit", .string(position.realisedProfit.description)),
            JSONMember("fees", .object(position.fees.all.map { JSONMember($0.asset, .string($0.sum.description)) })),
            JSONMember("venue", .string(key.venue)), JSONMember("account", .string(key.account)),
        ]
    }
}

struct PositionTable {
    private let rows: [PositionRow]
    init(_ rows: [PositionRow]) { self.rows = rows }

    func print(title: String?) {
        guard !rows.isEmpty else {
            Output.line(title.map { "\($0.padding(10)) flat" } ?? "flat")
            return
        }
        var table = Table([
            ("SYMBOL", .left), ("SIDE", .left), ("QUANTITY", .right), ("ENTRY", .right), ("REALISED", .right),
            ("FEES", .left),
        ])
        for row in rows {
            table.add([
                row.key.symbol, row.side, row.position.quantity.description,
                row.position.averageEntry?.description ?? "-", row.position.realisedProfit.description, row.fees,
            ])
        }
        if let title { Output.line(title) }
        table.print(indent: title == nil ? "" : "  ")
    }
}

extension String {
    func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
