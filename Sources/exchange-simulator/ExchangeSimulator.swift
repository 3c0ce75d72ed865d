// The command line of the simulated exchange: options, help, exit status. It must never serve anything itself;
// `Server` does, and `ExchangeSimulation` decides every answer.

import ArgumentParser
import ExchangeSimulation
import Foundation
import NIOCore
import Records

@main
struct ExchangeSimulator: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exchange-simulator",
        abstract: "A simulated Binance USDT-M futures exchange: REST, user-data WebSocket, faults on demand.",
        discussion: """
            Client libraries drive it unmodified; only their base URL changes. Any key is an account of its own,
            and signatures are checked in form; with --account, keys and signatures are checked in full.

            Examples:
              exchange-simulator                                   on 127.0.0.1:9876
              exchange-simulator --port 0 --seed 7                 prints the port that it got
              exchange-simulator --account k1:s1 --latency 50      one key, 50 ms a call
              exchange-simulator --move-every 0 --price BTCUSDT=90000   prices move only when told
              exchange-simulator --fault '{"kind":"ghost","wire":"close","times":1}'

            Control, while it runs (JSON bodies; GET /sim/state shows the truth):
              POST /sim/price   {"symbol":"BTCUSDT","price":"91000"}
              POST /sim/faults  {"kind":"reject","code":-2019,"msg":"Margin is insufficient.","symbol":"BTCUSDT"}
              POST /sim/stream  {"action":"disconnect"}

            Exit status: 0 stopped by a signal, 2 could not run.
            """)

    @Option(help: "Address to listen on.") var host = "127.0.0.1"
    @Option(help: "Port to listen on; 0 takes a free one.") var port = 9_876
    @Option(help: "Seed of prices, books and ids.") var seed: UInt64 = 1
    @Option(help: "File of symbols, a line each: SYMBOL BASE QUOTE PRICE TICK STEP MAXQTY MARKETMAXQTY MINNOTIONAL.")
    var symbols: String?
    @Option(help: "KEY:SECRET, repeatable. Then other keys are refused and signatures checked.")
    var account: [String] = []
    @Option(help: "Deposit of every asset in a new account.") var balance: Int64 = 100_000
    @Option(help: "Milliseconds a call: half before it is looked at, half after.") var latency: Int64 = 0
    @Option(help: "SYMBOL=PRICE, repeatable: the first price.") var price: [String] = []
    @Option(help: "Levels of the book on each side.") var levels = 50
    @Option(help: "Average size of a level, in quote units.") var levelNotional: Int64 = 50_000
    @Option(help: "Milliseconds between moves; 0: prices move only when told.") var moveEvery: Int64 = 250
    @Option(help: "Largest move, in hundredths of a basis point.") var moveMax: Int64 = 200
    @Option(help: "Request weight a minute and address.") var weightLimit = 2_400
    @Option(help: "Orders a minute and account.") var ordersPerMinute = 1_200
    @Option(help: "Orders in ten seconds and account.") var ordersPerTenSeconds = 300
    @Option(help: "A client order id may be used again: open (when its order has ended) or all (never).")
    var duplicateScope = "open"
    @Flag(help: "Leave avgPrice and cumQuote out of answers to POST and DELETE order.") var omitAverage = false
    @Flag(help: "Refuse a reduce-only market order beyond the position instead of making it smaller.")
    var refuseOversize = false
    @Option(help: "A fault as for POST /sim/faults, repeatable.") var fault: [String] = []
    @Option(help: "Append to FILE when each request came in: nanoseconds of CLOCK_BOOTTIME, method, path.")
    var arrivals: String?

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            end(error)
        }
    }

    private static func end(_ error: any Error) -> Never {
        let isUsage = exitCode(for: error) == .validationFailure
        guard isUsage || exitCode(for: error) == .success else {
            FileHandle.standardError.write(Data("exchange-simulator: \(error)\n".utf8))
            Foundation.exit(2)
        }
        let text = fullMessage(for: error) + "\n"
        (isUsage ? FileHandle.standardError : FileHandle.standardOutput).write(Data(text.utf8))
        Foundation.exit(isUsage ? 2 : 0)
    }

    func validate() throws {
        try check("--port", port, 0...65_535)
        try check("--balance", balance, 0...Int64(Limits.simulatedAmountMax))
        try check("--latency", latency, 0...Limits.simulatedDelayMillisecondsMax)
        try check("--levels", levels, 0...Limits.simulatedLevelsMax)
        try check("--level-notional", levelNotional, 1...Limits.simulatedLevelNotionalMax)
        try check("--move-every", moveEvery, 0...Limits.simulatedDelayMillisecondsMax)
        try check("--move-max", moveMax, 0...100_000)
        for limit in [weightLimit, ordersPerMinute, ordersPerTenSeconds] {
            try check("a limit", limit, 1...1_000_000_000)
        }
    }

    private func check<T: Comparable>(_ name: String, _ value: T, _ range: ClosedRange<T>) throws {
        guard range.contains(value) else {
            throw ValidationError("\(name) must be from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func run() throws {
        let server = Server(venue: try makeVenue(), arrivals: try arrivals.map { try Arrivals(path: $0) })
        try server.run(host: host, port: port)
    }

    private func makeVenue() throws -> Venue {
        var options = VenueOptions()
        options.seed = seed
        options.accounts = try account.map(credential)
        options.balance = balance
        options.latency = latency
        options.levels = levels
        options.levelNotional = levelNotional
        options.moveEvery = moveEvery
        options.moveMax = moveMax
        options.limits.weightPerMinute = weightLimit
        options.limits.ordersPerMinute = ordersPerMinute
        options.limits.ordersPerTenSeconds = ordersPerTenSeconds
        guard let scope = VenueOptions.DuplicateScope(rawValue: duplicateScope) else {
            throw CannotRun("--duplicate-scope must be open or all, not \(duplicateScope)")
        }
        options.duplicateScope = scope
        options.sendsAverage = !omitAverage
        options.trimsReduceOnly = !refuseOversize
        var venue = Venue(options, symbols: try readSymbols(), startedAt: Clock.now())
        for text in price { try control(&venue, "/sim/price", try priceBody(text), option: "--price \(text)") }
        for text in fault { try control(&venue, "/sim/faults", text, option: "--fault \(text)") }
        return venue
    }

    private func credential(_ text: String) throws -> VenueOptions.Credential {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw CannotRun("--account must be KEY:SECRET") }
        return VenueOptions.Credential(key: parts[0], secret: parts[1])
    }

    private func readSymbols() throws -> [SymbolRules] {
        guard let path = symbols else { return SymbolRules.catalogue }
        guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
        else { throw CannotRun("--symbols \(path): no file of UTF-8 text that can be read") }
        do {
            return try SymbolRules.read(text)
        } catch {
            throw CannotRun("--symbols \(path): \(error)")
        }
    }

    private func priceBody(_ text: String) throws -> String {
        let parts = text.split(separator: "=").map(String.init)
        guard parts.count == 2 else { throw CannotRun("--price must be SYMBOL=PRICE, not \(text)") }
        return #"{"symbol":"\#(parts[0])","price":"\#(parts[1])"}"#
    }

    private func control(_ venue: inout Venue, _ path: String, _ body: String, option: String) throws {
        let request = Request(method: "POST", path: path, query: "", body: body, apiKey: nil, client: "start")
        guard case .answered(let delivery) = venue.receive(request, at: Clock.now()), delivery.answer.status == 200
        else {
            var text = "not taken"
            if case .answered(let delivery) = venue.receive(request, at: Clock.now()) { text = delivery.answer.body }
            throw CannotRun("\(option): \(text)")
        }
    }
}

/// Exit status 2.
struct CannotRun: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// The only clock of the program.
enum Clock {
    /// Milliseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
