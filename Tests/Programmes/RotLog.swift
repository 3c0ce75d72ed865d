// The log that rots: about a megabyte with something in every table, and everything that it serves, read into
// sections that can be compared byte by byte.

import EventLog
import Foundation
import Glibc
import Records

enum RotLog {
    static let records = 190
    private static let bodyBytes = 7_200

    /// `log-soak child rot-build FOLDER SEED`
    static func child(_ arguments: [String]) throws {
        guard arguments.count == 2, let seed = UInt64(arguments[1]) else { throw Trouble("rot-build FOLDER SEED") }
        _ = try EventLog.create(at: arguments[0], options: SoakLog.options)
        let log = try SoakLog.open(arguments[0], .writing)
        for first in stride(from: 1, through: records, by: 10) {
            let drafts = (first..<first + 10).map { draft($0, seed: seed) }
            let answers = try log.append(drafts)
            guard answers.allSatisfy({ if case .appended = $0 { true } else { false } }) else {
                throw Trouble("\(answers)")
            }
        }
        for number in 1...6 {  // other content under a key that has its record
            var other = draft(number, seed: seed)
            other.body = Body(fields: FieldMap([("number", "\(number)")]), typed: Array("something else".utf8))
            _ = try log.append([other])
        }
        try useGroups(log)
        log.close()
    }

    /// Every other body is large, so that a megabyte is quickly verified.
    static func draft(_ number: Int, seed: UInt64) -> Draft {
        var draft = SoakLog.draft(number, seed: seed)
        guard number.isMultiple(of: 2) else { return draft }
        var random = SeededGenerator(seed: seed &+ UInt64(number))
        let typed = (0..<bodyBytes / 8).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
        draft.body = Body(fields: FieldMap([("number", "\(number)")]), typed: typed)
        return draft
    }

    /// Two groups on two streams, with several consumers, runs that were split, dead letters and hidden entries.
    static func useGroups(_ log: EventLog) throws {
        for stream in SoakLog.streams.prefix(2) {
            let group = SoakLog.group
            try log.transact(.group) { transaction in
                try transaction.createGroup(
                    stream, group, after: .zero, options: GroupOptions(deadAfter: 2, readsHidden: true))
            }
            for (consumer, count) in [("first", 12), ("second", 9), ("third", 5)] {
                _ = try log.transact(.group) { transaction in
                    let delivered = try transaction.readNew(stream, group, consumer: consumer, count: count)
                    return try transaction.acknowledge(
                        stream, group, delivered.enumerated().filter { $0.offset % 3 == 1 }.map(\.element.entry.id))
                }
            }
            for _ in 0..<3 {
                _ = try log.transact(.group) { transaction in
                    try transaction.readOwn(stream, group, consumer: "third", after: .zero, count: 2)
                }
            }
            let entries = try log.snapshot { snapshot in
                try snapshot.entries(try snapshot.stream(stream)!.number, .zero ... .last, limit: 8)
            }
            _ = try log.transact {
                try $0.hide(stream, entries.enumerated().filter { $0.offset % 2 == 1 }.map(\.element.id))
            }
        }
    }
}

/// Everything that a log serves.
struct ServedLog {
    static let sections = ["records", "streams", "keys", "guards", "groups"]
    private(set) var bytes: [[UInt8]] = []

    init(_ log: EventLog) throws {
        var records: [UInt8] = []
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            record.bytes.withUnsafeBytes { records.append(contentsOf: $0) }
            return true
        }
        let rest = try log.snapshot { snapshot in
            [
                try ServedLog.streams(snapshot), try ServedLog.keys(snapshot),
                "\(try snapshot.head()) \(try ServedLog.guards(snapshot))", try ServedLog.groups(snapshot),
            ]
        }
        bytes = [records] + rest.map { Array($0.utf8) }
    }

    /// The first section that is not the same, and what stands in it where it differs.
    func difference(from other: ServedLog) -> String? {
        for (place, name) in ServedLog.sections.enumerated() {
            let (mine, theirs) = (bytes[place], other.bytes[place])
            guard !ServedLog.isSame(mine, theirs) else { continue }
            let first = zip(mine, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            let at = max(0, (first ?? min(mine.count, theirs.count)) - 40)
            let shown = [mine, theirs].map { String(decoding: $0.dropFirst(at).prefix(80), as: UTF8.self) }
            return "other \(name): \(shown[0]) and not \(shown[1])"
        }
        return nil
    }

    /// Array's == is slow in a debug build.
    private static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count
            && a.withUnsafeBytes { a in b.withUnsafeBytes { b in memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0 }
            }
    }

    private static func streams(_ snapshot: borrowing LogSnapshot) throws -> String {
        try snapshot.streams().map { state in
            let entries = try snapshot.entries(state.number, .zero ... .last, limit: .max)
            let back = try snapshot.entriesBack(state.number, .zero ... .last, limit: .max)
            return "\(state) \(listed(entries)) \(listed(back))\n"
        }.joined()
    }

    private static func listed(_ entries: [IndexEntry]) -> String {
        entries.map { "\($0.id)=\($0.sequence.rawValue)#\($0.ordinal)" }.joined(separator: " ")
    }

    /// Where each key leads.
    private static func keys(_ snapshot: borrowing LogSnapshot) throws -> String {
        var found: [String] = []
        for number in 1...RotLog.records {
            for stream in SoakLog.streams {
                found.append("\(try snapshot.first(.user("k\(number)"), stream: stream)?.rawValue ?? 0)")
            }
        }
        return found.joined(separator: " ")
    }

    private static func guards(_ snapshot: borrowing LogSnapshot) throws -> String {
        "\(try snapshot.guards().holders.sorted { $0.key < $1.key })"
    }

    private static func groups(_ snapshot: borrowing LogSnapshot) throws -> String {
        try snapshot.groups().map { group in
            let pending = try snapshot.pending(group.stream, group.group, .zero ... .last, consumer: nil, limit: 10_000)
            let dead = try snapshot.deadLetters(group.stream, group.group, .zero ... .last, limit: 10_000)
            return "\(group)\n\(pending)\n\(dead)\n"
        }.joined()
    }
}
