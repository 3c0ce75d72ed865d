// One script, played to two servers with several clients each; every reply is compared. A line is a client's letter and
// a command. `b& …` sends it and waits until it blocks; `b?` reads its reply; `b~` waits for nothing: b still blocks.

import Foundation
import Glibc
import Programmes
import Testing

final class Duet {
    private let open: [() throws -> Wire]
    private let watchers: [Wire]
    private var clients: [Character: [Wire]] = [:]
    /// The last replies, of both.
    private(set) var replies: [String] = []

    init(_ ours: @escaping () throws -> Wire, _ theirs: @escaping () throws -> Wire) throws {
        open = [ours, theirs]
        watchers = try open.map { try $0() }
    }

    func play(_ script: String) throws {
        for line in script.split(separator: "\n") { try play(line: line.trimmingPrefix { $0 == " " }) }
    }

    /// The reply of ours.
    @discardableResult
    func play(line: Substring, compared: Bool = true) throws -> String {
        guard let name = line.first else { return "" }
        if clients[name] == nil { clients[name] = try open.map { try $0() } }
        let wires = try #require(clients[name])
        let rest = line.dropFirst()
        switch rest.first {
        case "&":
            let before = try blocked()
            for wire in wires { try wire.send(Wire.encode(Wire.words(String(rest.dropFirst(2))))) }
            let limit = ContinuousClock.now + .seconds(Program.secondsMax)
            while try zip(blocked(), before).contains(where: { $0 <= $1 }) {
                guard ContinuousClock.now < limit else { throw Trouble("does not block: \(line)") }
                _ = poll(nil, 0, 5)
            }
            return ""
        case "~":
            for wire in wires { #expect(wire.isSilent(milliseconds: 50), "\(line)") }
            return ""
        case "?": replies = try wires.map { try $0.reply() }
        default: replies = try wires.map { try $0.say(String(rest.dropFirst())) }
        }
        if compared { #expect(replies[0] == replies[1], "\(line)") }
        return replies[0]
    }

    private func blocked() throws -> [Int] {
        try watchers.map { watcher in
            let text = try watcher.say("INFO clients")
            let from = try #require(text.range(of: "blocked_clients:"))
            return try #require(Int(text[from.upperBound...].prefix { $0.isNumber }))
        }
    }
}
