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
            """)

    @Flag(help: "Closed positions, too.")
    var all = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.withLog(.reading) { log in
            let views = openViews(log)
            defer { views?.close() }
            let state = try StateReader.current(log, views: views)
            let rows = (all ? state.positions.all : state.positions.open).map { PositionRow($0.key, $0.position) }
            if common.json {
                for row in rows { Output.json(row.json(asOf: state.asOf)) }
                return
            }
            PositionTable(rows).print(title: nil)
            Output.line(Output.styled("as of \(grouped(state.asOf.rawValue))", .dim))
            for anomaly in state.positions.anomalies.suffix(5) {
                Output.line(Output.styled("anomaly at \(anomaly.sequence): \(anomaly.text)", .yellow))
            }
        }
    }
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
