import ArgumentParser
import EventLog
import Events
import Foundation
import Records
import Services

struct Query: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show records: by what they hold, when they were recorded, and what led to what.",
        discussion: """
            Options are joined by AND. Times are ISO-8601 with a zone (2026-01-17T03:12Z, …T04:12+01:00), epoch
            seconds or milliseconds, or an age: 90s, 15m, 2h, 3d. --since is the first moment that counts, --until the
            first that does not. A time without a zone is an error.

            --where compares fields of the record's data: = != < <= > >= (numbers exactly, as decimals), ~= (holds
            the text, in any letters), like (* anything, ? one character), joined by and, or, not and brackets. A
            field inside another is named with a dot. What a record does not have fulfils no comparison.

            Without --trace, --symbol, --kind and the like every record of the time or range is looked at; those
            options go through an index, which is brought up to date first where it is behind.

            A table on a terminal goes through $PAGER (less). CSV is RFC 4180; a foreign text that a spreadsheet would
            take for a formula has a ' before it. JSON gives everything exactly.

            Examples:
              backstop query --since 15m --kind decision.refused
              backstop query --last 20                                    the newest, in order
              backstop query --symbol BTCUSDT --since 2026-01-17T03:00Z --until 2026-01-17T03:30Z
              backstop query --where 'reason ~= timeout or error_code <= -1000'
              backstop query --kind fill --where 'quantity >= 0.5 and not side = sell' --format csv > fills.csv
              backstop query --chain 1204            what led to record 1204, and all that followed from it
              backstop query --follow --json         every new record, as it comes
            """)

    @OptionGroup var conditions: QueryOptions
    @Option(help: ArgumentHelp("The causal tree that this record belongs to.", valueName: "seq"))
    var chain: UInt64?
    @Option(help: "At most so many records (0: no limit).")
    var limit = 1_000
    @Option(help: ArgumentHelp("The newest so many that match, in order.", valueName: "n"))
    var last: Int?
    @Flag(help: "The newest first.")
    var reverse = false
    @Flag(help: "Go on with new records until interrupted.")
    var follow = false
    @Option(help: "table, json (one object a line; --json is short for it) or csv.")
    var format: RecordFormat?
    @Flag(help: "Do not page what goes to a terminal.")
    var noPager = false
    @Flag(help: "Say which views were not used, and why.")
    var verbose = false
    @OptionGroup var common: CommonOptions

    private var shownFormat: RecordFormat { common.json ? .json : format ?? .table }

    func validate() throws {
        if common.json, let format, format != .json { throw ValidationError("--json and --format \(format.rawValue)") }
        if chain != nil, follow || reverse || last != nil || !conditions.isEmpty {
            throw ValidationError("--chain shows a whole tree: it goes with --limit and --format only")
        }
        if follow, reverse || last != nil || conditions.until != nil || conditions.asOf != nil || conditions.key != nil
        {
            throw ValidationError(
                "--follow goes on with what comes: not with --reverse, --last, --until, --as-of, --key")
        }
        if last != nil, reverse { throw ValidationError("--last shows the newest in order, --reverse newest first") }
        if limit < 0 { throw ValidationError("--limit must be at least 0") }
        if let last, last < 1 || last > Limits.queryLastRecordsMax {
            throw ValidationError("--last must be 1 to \(Limits.queryLastRecordsMax); for more: --reverse --limit")
        }
        if conditions.asOf != nil, conditions.until != nil { throw ValidationError("--as-of is an --until: give one") }
    }

    func run() throws {
        let filter = try QueryFilter(conditions)
        try common.withLog(.reading) { log in
            let pager = try noPager || follow || shownFormat != .table ? nil : Pager.start()
            defer { pager?.finish() }
            let views = ViewsOnDemand(log, verbose: verbose)
            defer { views.close() }
            var printer = RecordPrinter(shownFormat, log, widest: try log.head().sequence)
            if let chain {
                try showChain(SequenceNumber(chain), &printer, log, views)
            } else {
                try showRecords(filter, &printer, log, views, pager)
            }
        }
    }

    // MARK: Lists

    private func showRecords(
        _ filter: QueryFilter, _ printer: inout RecordPrinter, _ log: EventLog, _ views: ViewsOnDemand, _ pager: Pager?
    ) throws {
        let range = try QueryRange(conditions, log)
        let max = last ?? (limit == 0 ? Int.max : limit)
        let newestFirst = reverse || last != nil
        var kept: [ShownRecord] = []
        var isCut = false
        if let range = range.closed {
            var pages = try QueryPages(filter, range, newestFirst: newestFirst, log, views)
            search: while printer.isOpen, pager?.isGone != true, let page = try pages.next() {
                for record in page {
                    let shown = try printer.shown(record)
                    guard filter.matches(shown) else { continue }
                    if printer.count + kept.count == max {
                        isCut = true
                        break search
                    }
                    if last == nil { printer.show(shown) } else { kept.append(shown) }
                }
            }
        }
        Output.endProgress()
        for shown in kept.reversed() { printer.show(shown) }
        if follow, !isCut { return try followOn(filter, from: range.next, max: max, &printer, log, views) }
        printer.finish(isCut: isCut && last == nil, hint: try filter.hint(log))
    }

    private func followOn(
        _ filter: QueryFilter, from start: SequenceNumber, max: Int, _ printer: inout RecordPrinter, _ log: EventLog,
        _ views: ViewsOnDemand
    ) throws {
        var next = start
        while printer.count < max, printer.isOpen {
            Output.flush()
            let head = try log.wait(past: next.previous, milliseconds: Limits.wakeIntervalMillisecondsMax).sequence
            guard head >= next else { continue }
            var pages = try QueryPages(filter, next...head, newestFirst: false, log, views)
            while printer.count < max, printer.isOpen, let page = try pages.next() {
                for record in page where printer.count < max {
                    let shown = try printer.shown(record)
                    if filter.matches(shown) { printer.show(shown) }
                }
            }
            next = head.next
        }
    }

    // MARK: Chains

    private func showChain(
        _ sequence: SequenceNumber, _ printer: inout RecordPrinter, _ log: EventLog, _ views: ViewsOnDemand
    ) throws {
        let max = limit == 0 ? Limits.causalRecordsMax : min(limit, Limits.causalRecordsMax)
        let head = try log.head().sequence
        let index = try views.index(upTo: head)
        guard let tree = try CausalTree(of: sequence, in: log, index: index, recordsMax: max) else {
            throw NegativeFinding(text: "no record \(sequence); the log ends at \(try log.head().sequence)")
        }
        Output.endProgress()
        for node in tree.nodes {
            guard printer.isOpen, let record = try log.snapshot({ try $0.record(node.sequence) }) else { return }
            printer.show(try printer.shown(record), in: node, isAsked: node.sequence == sequence)
        }
        if let text = tree.cut { printer.say("… \(text)") }
    }

}

/// What may be asked for; the same in every verb that takes conditions.
struct QueryOptions: ParsableArguments {
    @Option(help: "Records of this trace id.")
    var trace: String?
    @Option(help: "Records that name this symbol.")
    var symbol: String?
    @Option(help: "Records of this kind, for example trade.intent.")
    var kind: String?
    @Option(help: "Records of this stream, by either of its names.")
    var stream: String?
    @Option(help: "Records that this producer wrote.")
    var producer: String?
    @Option(help: "Orders, outcomes and fills of this client order id.")
    var clientOrderID: String?
    @Option(help: "Outcomes, fills and results of this order id of the exchange.")
    var orderID: String?
    @Option(help: "Fills of this trade id of the exchange.")
    var tradeID: String?
    @Option(help: "The record of this key, as shown (trade.intent/T, user/STREAM/K), or of a user's key with --stream.")
    var key: String?
    @Option(
        name: .customLong("where"),
        help: ArgumentHelp("A condition on the record's data; may be repeated.", valueName: "condition"))
    var wheres: [String] = []
    @Option(help: "Recorded at this time or later.")
    var since: String?
    @Option(help: "Recorded before this time.")
    var until: String?
    @Option(help: ArgumentHelp(AsOf.help, valueName: "time|seq"))
    var asOf: String?
    @Option(help: ArgumentHelp("A range of sequences, both ends included; either may be left out.", valueName: "a..b"))
    var seq: String?

    var isEmpty: Bool {
        [trace, symbol, kind, stream, producer, clientOrderID, orderID, tradeID, key, since, until, asOf, seq]
            .allSatisfy { $0 == nil } && wheres.isEmpty
    }
}
