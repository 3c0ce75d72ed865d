// A log with its bridge as a real process, beside a Redis. The programme and the tests share it; neither opens the log.

import Foundation
import Glibc

package final class BridgeBench {
    package let folder: String
    package let url: String
    private let binaries: String
    private let settings: [String: String]
    package private(set) var bridge: RunningProgram?

    /// Untyped streams, so that an entry is what it is: `feed` comes from Redis, `out` goes there.
    package static let streams = ["bridge.import": "feed", "bridge.export": "out"]
    package static let group = "backstop:redis"

    /// Makes an empty log.
    /// - Parameter folder: is made.
    package init(
        folder: String, url: String, settings: [String: String] = BridgeBench.streams,
        binaries: String = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path
    ) throws {
        (self.folder, self.url, self.settings, self.binaries) = (folder, url, settings, binaries)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let made = try run("init")
        guard made.status == 0 else { throw Trouble("\(made)") }
    }

    private func environment(_ more: [String: String]) -> [String: String] {
        var all = [
            "PATH": "/usr/bin:/bin", "BACKSTOP_LOG": folder + "/log", "BACKSTOP_LOG_RESERVE_BYTES": "0",
            "NO_COLOR": "1", "SWIFT_BACKTRACE": "enable=no",
        ]
        for (name, value) in settings {
            all["BACKSTOP_" + name.uppercased().replacingOccurrences(of: ".", with: "_")] = value
        }
        return all.merging(more) { $1 }
    }

    package func start(
        _ arguments: [String], _ more: [String: String] = [:], piped: RunningProgram.Piped = .nothing
    ) throws -> RunningProgram {
        try RunningProgram(
            arguments, folder: folder, environment: environment(more), piped: piped, program: binaries + "/backstop")
    }

    package func run(_ arguments: String...) throws -> Finished { try start(arguments).finish() }

    package func append(_ stream: String, _ fields: String...) throws {
        let finished = try start(["append", stream] + fields).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
    }

    // MARK: The bridge

    /// - Parameter failpoint: where it dies.
    package func startBridge(_ more: [String] = [], failpoint: String? = nil, url: String? = nil) throws {
        bridge = try start(
            ["serve", "--roles", "bridge", "--redis", url ?? self.url] + more,
            failpoint.map { ["BACKSTOP_FAILPOINT": $0] } ?? [:])
    }

    package func killBridge() throws {
        _ = try bridge?.killNow()
        bridge = nil
    }

    /// SIGTERM, and its end.
    package func stopBridge() throws -> Finished {
        guard let running = bridge else { throw Trouble("no bridge runs") }
        running.send(SIGTERM)
        bridge = nil
        return try running.finish()
    }

    package var said: String { bridge?.errors ?? "" }

    package func wait(_ what: String, within seconds: Double = 60, until isTrue: () throws -> Bool) throws {
        do { try BenchLog.wait(what, within: seconds, until: isTrue) } catch {
            throw Trouble("\(error); the bridge said:\n\(said.suffix(3_000))")
        }
    }

    package func waitUntilSaid(_ text: String) throws { try wait("the bridge says \(text)") { said.contains(text) } }

    // MARK: The log

    package func rows(_ arguments: String...) throws -> [Row] {
        let finished = try start(arguments + ["--json"]).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
        return try finished.lines.map { try Row($0) }
    }

    package func entries(_ stream: String) throws -> [BridgeEntry] {
        try rows("query", "--stream", stream, "--limit", "0").map { row in
            let data = row.members["data"] as? [String: Any] ?? [:]
            return BridgeEntry(id: row.text("id"), fields: data.mapValues { "\($0)" })
        }
    }

    package func status() throws -> Row {
        guard let row = try rows("status").first else { throw Trouble("status says nothing") }
        return row
    }

    /// Nothing is left to be done on either side.
    package func settle(_ redis: DurableRedis, imports: [String] = ["feed"], exports: [String] = ["out"]) throws {
        try wait("all is imported") {
            try imports.allSatisfy { stream in
                let name = BridgeBench.group
                return try redis.info(["GROUPS", stream], named: name, "pending") == 0
                    && lag(redis, stream) == 0
            }
        }
        for stream in exports {
            guard let last = try entries(stream).last else { continue }
            try wait("\(stream) is exported up to \(last.id)") {
                guard case .list(let parts) = try redis.run("XINFO", "STREAM", stream) else { return false }
                guard let place = parts.firstIndex(of: .text("last-generated-id")) else { return false }
                return parts[place + 1] == .text(last.id)
            }
        }
    }

    /// Redis 7.0 forgets its lag in a restart; the ids say the same.
    private func lag(_ redis: DurableRedis, _ stream: String) throws -> Int {
        guard case .list(let groups) = try redis.run("XINFO", "GROUPS", stream) else { return -1 }
        for case .list(let parts) in groups where parts.contains(.text(BridgeBench.group)) {
            guard let place = parts.firstIndex(of: .text("last-delivered-id")), case .text(let id) = parts[place + 1]
            else { return -1 }
            guard case .list(let newer) = try redis.run("XRANGE", stream, "(\(id)", "+", "COUNT", "1") else {
                return -1
            }
            return newer.count
        }
        return -1
    }

    /// What must hold in the end: both sides have the same, in the same order, once; exports have the log's ids.
    package func problems(
        _ redis: DurableRedis, imports: [String] = ["feed"], exports: [String] = ["out"]
    ) throws -> [String] {
        var found: [String] = []
        for stream in imports {
            let (theirs, ours) = (try redis.entries(stream).map(\.fields), try entries(stream).map(\.fields))
            if theirs != ours { found.append(BridgeBench.difference(stream, ours, theirs)) }
        }
        for stream in exports {
            let (theirs, ours) = (try redis.entries(stream), try entries(stream))
            if theirs != ours { found.append(BridgeBench.difference(stream, ours, theirs)) }
        }
        let verified = try run("verify")
        if verified.status != 0 { found.append("\(verified)") }
        return found
    }

    private static func difference<T: Equatable>(_ stream: String, _ ours: [T], _ theirs: [T]) -> String {
        let place = zip(ours, theirs).enumerated().first { $1.0 != $1.1 }?.offset ?? min(ours.count, theirs.count)
        let (mine, other) = (ours.dropFirst(place).first, theirs.dropFirst(place).first)
        return
            "\(stream): the log has \(ours.count), Redis \(theirs.count); at \(place) the log \(String(describing: mine)), Redis \(String(describing: other))"
    }
}
