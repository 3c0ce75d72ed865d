// The exit worker as a process, with its log, its journal and its socket: started, triggered, watched, killed.

import Foundation
import Glibc
import Programmes
import Records
import Services
import Testing
import TradingBench

extension TradingLog {
    /// Of this log alone, so that tests side by side do not share a place for their journals.
    var runFolder: String { folder + "/run" }
    var socketPath: String { runFolder + "/exit.sock" }

    /// Listens on its socket already.
    func exit(_ arguments: [String] = [], environment more: [String: String] = [:]) throws -> RunningProgram {
        let worker = try startExit(arguments, environment: more)
        try wait("the exit worker listens") {
            guard worker.isRunning else { throw Trouble("the exit worker ended: \(try worker.finish())") }
            return worker.errors.contains("Listening for panic_close events")
        }
        return worker
    }

    func startExit(_ arguments: [String] = [], environment more: [String: String] = [:]) throws -> RunningProgram {
        try FileManager.default.createDirectory(atPath: runFolder, withIntermediateDirectories: true)
        return try start(
            ["serve", "--roles", "exit", "--exchange", exchange.url] + arguments,
            environment: more.merging(["RUNTIME_DIRECTORY": runFolder]) { $1 })
    }

    /// SIGTERM, and its orderly end.
    func end(_ worker: RunningProgram, location: SourceLocation = #_sourceLocation) throws {
        worker.send(SIGTERM)
        let finished = try worker.finish(within: 60)
        #expect(finished.status == 0, "\(finished)", sourceLocation: location)
    }

    // MARK: Positions

    /// Opened by execution, so that the log knows them.
    func open(_ orders: [(symbol: String, side: String, quantity: String)]) throws {
        for (number, order) in orders.enumerated() {
            try intent(order.symbol, order.side, order.quantity, trace: "open-\(number)")
        }
        let service = try serve("execution", ["execution.in_flight_max=8"])
        let results = try wait(for: orders.count, "execution.result", [service])
        try stop(service)
        let bad = results.map { $0.row("data") }.filter { $0.text("status") != "filled" }
        guard bad.isEmpty else { throw Trouble("not opened: \(bad)") }
    }

    static let four = [
        ("BTCUSDT", "buy", "0.5"), ("ETHUSDT", "sell", "3"), ("SOLUSDT", "buy", "40"), ("XRPUSDT", "sell", "900"),
    ]

    // MARK: Triggers

    static func now() -> Int { Int(Date().timeIntervalSince1970 * 1_000) }

    static func formA(
        _ eventID: String = UUID().uuidString, reason: String = "test", issuer: String = "ops", at: Int = now()
    ) -> [(String, String)] {
        [
            ("event_id", eventID), ("reason", reason), ("severity", "CRITICAL"), ("issued_by", issuer),
            ("ts", "\(at)"),
        ]
    }

    static func formB(_ reason: String = "test", source: String = "risk_kernel") -> [(String, String)] {
        [("source", source), ("reason", reason), ("timestamp", "\(Double(now()) / 1_000)")]
    }

    func panic(_ fields: [(String, String)], stream: String = Stream.panics) throws {
        try append(stream, fields.map { "\($0.0)=\($0.1)" })
    }

    func tell(_ fields: [(String, String)]) throws -> ExitSocket.Answer {
        try ExitSocket.send(FieldMap(fields), to: socketPath, milliseconds: 5_000)
    }

    func expectTaken(_ fields: [(String, String)], location: SourceLocation = #_sourceLocation) throws {
        let answer = try tell(fields)
        #expect(answer == .taken, sourceLocation: location)
    }

    // MARK: Watching

    /// Nothing is open on the exchange any more.
    func waitUntilFlat(within seconds: Double = 60, _ worker: RunningProgram) throws {
        do {
            try wait("all is closed", within: seconds) { try exchange.positions().isEmpty }
        } catch {
            throw Trouble("\(error)\n\(try exchange.positions())\n\(worker.errors.suffix(3_000))")
        }
    }

    /// In the log's folder, and in the run directory, under the name of the log's path.
    var journalFolders: [String] {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
        let name = Hex.encode(Array(Digest.sha256(Array(real.utf8)).bytes.prefix(8)))
        return [path + "/exit-journal", runFolder + "/exit-journal-\(name)"]
    }

    /// The lines of every journal that is left.
    func journal() -> [String] {
        journalFolders.flatMap { folder -> [String] in
            let names = (FileManager.default.enumerator(atPath: folder)?.allObjects ?? [])
                .compactMap { $0 as? String }.filter { $0.hasSuffix(".jsonl") }.sorted()
            return names.flatMap { name -> [String] in
                let data = FileManager.default.contents(atPath: folder + "/" + name) ?? Data()
                return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
            }
        }
    }

    /// The worker's child that has the log open.
    func recorder(of worker: RunningProgram) throws -> Int32 {
        var found: Int32?
        try wait("the recorder runs", within: 30) {
            found = Children.of(worker.pid).first
            return found != nil
        }
        return try #require(found)
    }
}
