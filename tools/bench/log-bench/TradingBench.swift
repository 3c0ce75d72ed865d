// What the rows of execution share: the simulated exchange and `backstop serve` as processes beside the row's log, and
// the intents that they are given. The exchange has no latency and no limit that a row would meet. It measures nothing.

import EventLog
import Events
import Foundation
import Records

final class TradingBench {
    static let (key, secret) = ("key-of-the-bench", "secret-of-the-bench")
    /// Symbols and quantities that its filters take; about 100 to 900 dollars each.
    static let symbols = [
        ("BTCUSDT", "0.01"), ("ETHUSDT", "0.1"), ("SOLUSDT", "1"), ("XRPUSDT", "100"), ("BNBUSDT", "0.2"),
        ("DOGEUSDT", "1000"), ("SUIUSDT", "100"), ("LINKUSDT", "10"), ("AVAXUSDT", "10"), ("ADAUSDT", "300"),
        ("ARBUSDT", "500"), ("UNIUSDT", "20"), ("HBARUSDT", "1000"), ("NEARUSDT", "60"), ("APTUSDT", "50"),
        ("LTCUSDT", "2"), ("DOTUSDT", "50"), ("BCHUSDT", "0.2"), ("ATOMUSDT", "50"),
    ]

    private let folder: String
    private let exchange: Child
    let url: String
    var port: String { String(url.split(separator: ":").last ?? "") }

    /// - Parameter arrivals: where the exchange writes when each request came in.
    init(_ folder: String, arrivals: String? = nil) throws {
        self.folder = folder
        let limits = ["--weight-limit", "--orders-per-minute", "--orders-per-ten-seconds"].flatMap {
            [$0, "10000000"]
        }
        exchange = try Child(
            "exchange-simulator",
            [
                "--port", "0", "--move-every", "0", "--account", "\(TradingBench.key):\(TradingBench.secret)",
                "--balance", "1000000000", "--level-notional", "1000000000",
            ] + limits + (arrivals.map { ["--arrivals", $0] } ?? []), reads: .output, environment: [:])
        guard let line = exchange.line(), let url = line.split(separator: " ").last else {
            LogBench.fail("the exchange did not start\n")
        }
        self.url = String(url)
    }

    func stop() { exchange.stop() }

    /// Returns as soon as it is started.
    func start(_ roles: String, _ settings: [String] = []) throws -> Child {
        let serve = try Child(
            "backstop",
            ["serve", "--roles", roles, "--exchange", url, "--log", folder] + settings.flatMap { ["--set", $0] },
            reads: .errors,
            environment: ["BACKSTOP_EXCHANGE_KEY": TradingBench.key, "BACKSTOP_EXCHANGE_SECRET": TradingBench.secret])
        return serve
    }

    /// Returns when it listens, with its user stream.
    func serve(_ roles: String) throws -> Child {
        let serve = try start(roles)
        var awaited = [" listening on ", "the user stream stands"]
        while let line = serve.line(), !awaited.isEmpty {
            awaited.removeAll { line.contains($0) }
            if awaited.isEmpty { break }
        }
        guard serve.isRunning else { LogBench.fail("serve did not start\n") }
        serve.ignoreTheRest()
        return serve
    }

    // MARK: Intents

    static func intent(_ number: Int) throws -> Draft {
        let (symbol, quantity) = symbols[number % symbols.count]
        let side = number / symbols.count % 2 == 0 ? "BUY" : "SELL"
        let fields = [
            ("trace_id", "bench-\(number)"), ("symbol", symbol), ("side", side), ("quantity", quantity),
            ("timestamp", TimeText.render(LogClock.system.now())),
        ]
        return try Intake.draft(
            stream: StreamCatalogue.intents.text, fields: FieldMap(fields), key: nil, traceID: nil, producer: "bench",
            recordedAt: LogClock.system.now())
    }

    /// Appends them, all in one transaction; their sequences.
    static func append(_ log: EventLog, _ numbers: Range<Int>) throws -> [SequenceNumber] {
        try log.append(try numbers.map(intent)).map { answer in
            guard case .appended(let place) = answer else { fatalError("\(answer)") }
            return place.sequence
        }
    }

    /// Results of so far.
    static func ends(_ log: EventLog) throws -> Int {
        try log.snapshot { Int(try $0.stream(StreamCatalogue.results)?.lastOrdinal ?? 0) }
    }

    /// Looks now and then, seldom enough that it takes nothing from those who work.
    static func wait(_ log: EventLog, forEnds count: Int, while serve: Child, everyMilliseconds pause: UInt32) throws {
        while try ends(log) < count {
            guard serve.isRunning else { LogBench.fail("serve ended with \(try ends(log)) of \(count) results\n") }
            usleep(pause * 1_000)
        }
    }
}
