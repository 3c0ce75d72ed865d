// From an intent to its order, and through the whole circle to its end, by `backstop serve` on the simulated exchange,
// three processes. All times are of CLOCK_BOOTTIME, which they share: the log's stamps, ours, and the exchange's of when
// a request has come in.

import EventLog
import Events
import Foundation
import Records

extension LogBench {
    /// One intent at a time, at random moments: from the return of its append to its order's arrival.
    static func executionWire(_ folder: String, _ count: Int) throws {
        let log = try openLog(folder)
        defer { log.close() }
        let arrivals = folder + ".arrivals"
        let bench = try TradingBench(folder, arrivals: arrivals)
        defer { bench.stop() }
        let serve = try bench.serve("execution")
        // Connections, rules and leverage of each symbol are there after its first order.
        let first = TradingBench.symbols.count
        _ = try TradingBench.append(log, 0..<first)
        try TradingBench.wait(log, forEnds: first, while: serve, everyMilliseconds: 20)
        var (called, returned): ([UInt64], [UInt64]) = ([], [])
        for number in first..<(first + count) {
            usleep(UInt32.random(in: 20_000...60_000))
            let draft = try TradingBench.intent(number)
            called.append(log.clock.boot().nanoseconds)
            guard case .appended = try log.append([draft])[0] else { fatalError("an intent was not appended") }
            returned.append(log.clock.boot().nanoseconds)
            try TradingBench.wait(log, forEnds: number + 1, while: serve, everyMilliseconds: 20)
        }
        serve.stop()
        let orders = try arrivalsOfOrders(arrivals).dropFirst(first)
        guard orders.count == count else { fail("\(orders.count) orders came of \(count) intents\n") }
        let fromReturn = Spread(zip(orders, returned).map { Double($0) - Double($1) })
        let fromCall = Spread(zip(orders, called).map { Double($0) - Double($1) })
        print(
            "{\"peer\":\"backstop\",\"mode\":\"execution-wire\",\"n\":\(count),\(fromReturn.json(""))"
                + ",\(fromCall.json("from_call_"))}")
    }

    private static func arrivalsOfOrders(_ path: String) throws -> [UInt64] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.dropFirst() == ["POST", "/fapi/v1/order"] ? UInt64(words[0]) : nil
        }
    }

    /// All intents at once: from the first one's stamp to that of the last result.
    static func executionCircle(_ folder: String, _ count: Int) throws {
        let log = try openLog(folder)
        defer { log.close() }
        let bench = try TradingBench(folder)
        defer { bench.stop() }
        let serve = try bench.serve("execution")
        let first = try TradingBench.append(log, 0..<count)[0]
        try TradingBench.wait(log, forEnds: count, while: serve, everyMilliseconds: 100)
        let cpu = Double(try serve.cpuNanoseconds()) / 1e9
        serve.stop()
        let began = try log.snapshot { try $0.record(first) }?.header.monotonicAt.nanoseconds ?? 0
        let seconds = Double(try lastEnd(log) - began) / 1e9
        print(
            String(
                format:
                    "{\"peer\":\"backstop\",\"mode\":\"execution-circle\",\"n\":%d,\"filled\":%d,\"rate_per_s\":%.1f,"
                    + "\"seconds\":%.3f,\"serve_cpu_seconds\":%.2f}",
                count, try filled(log), Double(count) / seconds, seconds, cpu))
    }

    /// When the last result was stamped.
    static func lastEnd(_ log: EventLog) throws -> UInt64 {
        var last: UInt64 = 0
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            if record.kind == EventKind.executionResult.kind { last = max(last, record.monotonicAt.nanoseconds) }
            return true
        }
        return last
    }

    /// Intents that ended FILLED.
    static func filled(_ log: EventLog) throws -> Int {
        var sequences: [SequenceNumber] = []
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            if record.kind == EventKind.executionResult.kind { sequences.append(record.sequence) }
            return true
        }
        return try log.snapshot { snapshot in
            try sequences.filter { sequence in
                guard let record = try snapshot.record(sequence),
                    case .executionResult(let result) = try EventRecord.decode(record)
                else { return false }
                return result.state == .filled
            }.count
        }
    }
}

/// Nanoseconds of many, sorted.
struct Spread {
    private let sorted: [Double]
    init(_ values: [Double]) { sorted = values.sorted() }

    private func micros(_ percent: Int) -> Double { sorted[(sorted.count - 1) * percent / 100] / 1e3 }

    func json(_ prefix: String) -> String {
        String(
            format: "\"\(prefix)median_us\":%.1f,\"\(prefix)p99_us\":%.1f,\"\(prefix)max_us\":%.1f", micros(50),
            micros(99), micros(100))
    }
}
