// A real redis-server that keeps what it answers (appendonly, fsync always), on a TCP port of its own: it can be killed
// and started again, emptied, made a replica, and asked.

import Foundation
import Glibc
import Processes

package final class DurableRedis {
    package let port: Int
    private let folder: String
    private let options: [String]
    private var process: ChildProcess?
    private var asked: RedisConnection?

    /// Starts it. Its files are in `folder`, which is made.
    /// - Parameter port: one that is free, where another server was before.
    package init(folder: String, port: Int? = nil, options: [String] = []) throws {
        self.folder = folder
        self.options = options
        self.port = try port ?? DurableRedis.freePort()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try start()
    }

    deinit { kill() }

    package var connection: RedisConnection? { RedisConnection(port: port, wholeErrors: true) }
    package var url: String { "redis://127.0.0.1:\(port)" }

    /// One that nobody has now; whoever takes it in between makes a start fail, which is seen.
    package static func freePort() throws -> Int {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutableBytes(of: &address) { bytes in
            let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            return bind(socket, pointer, size) == 0 && getsockname(socket, pointer, &size) == 0
        }
        guard isBound else { throw Trouble("no port is free") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// As after a crash: with the same files.
    package func start() throws {
        let started = try ChildProcess(
            "/usr/bin/redis-server",
            [
                "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync",
                "always", "--dir", folder, "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0",
            ] + options, input: .null, output: .null, errors: .null)
        process = started
        try BenchLog.wait("redis-server answers") {
            guard started.isRunning else { throw Trouble("redis-server did not start on port \(port)") }
            guard let connection = RedisConnection(port: port, wholeErrors: true) else { return false }
            guard case .text = try connection.run(["PING"]) else { return false }  // it loads its data
            asked = connection
            return true
        }
    }

    /// kill -9, and its end.
    package func kill() {
        process?.send(SIGKILL)
        _ = process?.wait(seconds: 10)
        (process, asked) = (nil, nil)
    }

    /// Nobody gets an answer until `go`.
    package func stand() { process?.send(SIGSTOP) }
    package func go() { process?.send(SIGCONT) }

    @discardableResult
    package func run(_ words: String...) throws -> Reply { try ask(words) }

    package func ask(_ words: [String]) throws -> Reply {
        guard let asked else { throw Trouble("redis-server is not running") }
        return try asked.run(words)
    }

    /// All of them as one write; their replies.
    package func ask(all commands: [[String]]) throws -> [Reply] {
        guard let asked else { throw Trouble("redis-server is not running") }
        for command in commands { try asked.send(command) }
        return try commands.map { _ in try asked.receive() }
    }

    /// A stream's entries: id, then names and values.
    package func entries(_ stream: String) throws -> [BridgeEntry] {
        guard case .list(let items) = try run("XRANGE", stream, "-", "+") else { return [] }
        return try items.map { item in
            guard case .list(let parts) = item, case .text(let id) = parts[0], case .list(let words) = parts[1] else {
                throw Trouble("no entry: \(item)")
            }
            var fields: [String: String] = [:]
            for place in stride(from: 0, to: words.count, by: 2) {
                guard case .text(let name) = words[place], case .text(let value) = words[place + 1] else { continue }
                fields[name] = value
            }
            return BridgeEntry(id: id, fields: fields)
        }
    }

    /// A member of an XINFO answer about the one of that name.
    package func info(_ words: [String], named name: String, _ member: String) throws -> Int64? {
        guard case .list(let items) = try ask(["XINFO"] + words) else { return nil }
        for case .list(let parts) in items where parts.contains(.text(name)) {
            guard let place = parts.firstIndex(of: .text(member)), case .integer(let value) = parts[place + 1] else {
                return nil
            }
            return value
        }
        return nil
    }
}

/// An entry, on either side.
package struct BridgeEntry: Equatable, CustomStringConvertible {
    package let id: String
    package let fields: [String: String]

    package init(id: String, fields: [String: String]) {
        self.id = id
        self.fields = fields
    }

    package var description: String {
        "\(id) \(fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " "))"
    }
}
