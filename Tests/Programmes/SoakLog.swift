// The log as the programmes below open it: kinds that only they know, a clock that counts, and drafts that
// follow from a seed and a number, so that whoever checks needs no copy of what was written.

import EventLog
import Foundation
import Records

enum SoakLog {
    static let plain = Kind(100)
    static let raise = Kind(101)
    static let lower = Kind(102)
    static let group = "workers"
    static let consumer = "first"
    static let streams = ["soak:a", "soak:b", "soak:c"].map { try! StreamName($0) }  // short, and no control characters

    /// Guards by kind; what a record says is its typed part.
    static let rules = LogRules(
        facts: { kind, body in
            let typed = body.span.bytes.array(try Body.parts(body.span.bytes).typed)
            switch kind {
            case SoakLog.raise: return DraftFacts(identity: typed, guards: [.raise("soak", holder: "soak")])
            case SoakLog.lower: return DraftFacts(identity: typed, guards: [.lower("soak", holder: nil)])
            default: return DraftFacts(identity: typed, guards: [])
            }
        },
        body: { event in
            if case .conflict(_, _, let offered, _) = event {
                return Body(fields: FieldMap([("event", "conflict")]), typed: offered.bytes)
            }
            guard case .streamHidden(let stream, .entries(let ids)) = event else {
                return Body(fields: FieldMap([("event", "\(event)")]), typed: [])
            }
            let words = [stream.text] + ids.map(\.description)
            return Body(fields: FieldMap([("hides", "\(ids.count)")]), typed: Array(words.joined(separator: " ").utf8))
        },
        hiding: { body in
            let typed = body.span.bytes.array(try Body.parts(body.span.bytes).typed)
            let words = String(decoding: typed, as: UTF8.self).split(separator: " ").map(String.init)
            guard let stream = words.first else { throw Trouble("a body that hides nothing") }
            return (try StreamName(stream), .entries(words.dropFirst().compactMap { EntryID($0) }))
        },
        offered: { body in
            let typed = body.span.bytes.array(try Body.parts(body.span.bytes).typed)
            guard let digest = Digest(hex: Hex.encode(typed)) else { throw Trouble("a body that offers nothing") }
            return digest
        },
        restoration: { _ in throw Trouble("these logs are never restored") })

    static var options: LogOptions {
        LogOptions(bytesMax: 1 << 40, reserveBytes: 64 << 10, clock: clock, version: "soak")
    }

    /// Counts milliseconds, so that ids and pages are the same in every run of a seed.
    private static var clock: LogClock {
        let ticks = Ticks()
        return LogClock(
            now: { Timestamp(nanoseconds: 1_700_000_000_000_000_000 + Int64(ticks.next()) * 1_000_000) },
            boot: { BootInstant(nanoseconds: 1_000_000_000) })
    }

    private final class Ticks: @unchecked Sendable {
        private let lock = NSLock()
        private var count: UInt64 = 0
        func next() -> UInt64 {
            lock.withLock {
                count += 1
                return count
            }
        }
    }

    static func open(_ path: String, _ mode: AccessMode) throws -> EventLog {
        try EventLog(at: path, mode: mode, rules: rules, options: options)
    }

    /// The draft of that number. Most are small; some need overflow pages.
    static func draft(_ number: Int, seed: UInt64) -> Draft {
        var random = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(number))
        let stream = streams[Int(random.next() % UInt64(streams.count))]
        let length = random.next() % 12 == 0 ? 3_000 + Int(random.next() % 6_000) : 20 + Int(random.next() % 300)
        var text = "\(number) "
        while text.utf8.count < length { text += String(random.next(), radix: 36) }
        let kinds = [raise, lower] + Array(repeating: plain, count: 8)
        return Draft(
            kind: kinds[Int(random.next() % 10)], stream: stream, key: .user("k\(number)"), traceID: "t\(number)",
            producer: "soak", body: Body(fields: FieldMap([("number", "\(number)")]), typed: Array(text.utf8)))
    }

    /// The number of a draft's record; nil: it is the log's own.
    static func number(_ key: IdempotencyKey?) -> Int? {
        guard case .user(let text) = key, text.hasPrefix("k") else { return nil }
        return Int(text.dropFirst())
    }
}
