// A real log in a temporary folder. Every test that opened one ends with a full verification.

import Foundation
import Testing

import EventLog
import Records

/// Kinds that only tests know: guards by kind, identity = the typed part.
enum TestKind {
    static let plain = Kind(100)
    static let halt = Kind(101)
    static let resume = Kind(102)
    static let opening = Kind(103)
    static let pair = Kind(104)
}

let testRules = LogRules(
    facts: { kind, body in
        let typed = body.span.bytes.array(try Body.parts(body.span.bytes).typed)
        let guards: [GuardOperation]
        switch kind {
        case TestKind.halt: guards = [.raise("halt", holder: "test")]
        case TestKind.resume: guards = [.lower("halt", holder: nil)]
        case TestKind.opening: guards = [.requireLowered("halt")]
        case TestKind.pair: guards = [.take("pair", holder: "test")]
        default: guards = []
        }
        return DraftFacts(identity: typed, guards: guards)
    },
    body: { event in
        Body(
            fields: FieldMap([("event", "\(event)")]),
            typed: TestHiding.typed(event) + TestRestoration.typed(event) + TestConflict.typed(event))
    },
    hiding: { body in try TestHiding.read(body) },
    offered: { body in try TestConflict.read(body) },
    restoration: { body in try TestRestoration.read(body) })

/// How the tests' rules write what is hidden: stream, then the ids, or `<id`.
enum TestHiding {
    static func typed(_ event: LogEvent) -> [UInt8] {
        guard case .streamHidden(let stream, let hiding) = event else { return [] }
        switch hiding {
        case .entries(let ids): return Array("\(stream) \(ids.map(\.description).joined(separator: " "))".utf8)
        case .before(let id): return Array("\(stream) <\(id)".utf8)
        }
    }

    static func read(_ body: [UInt8]) throws -> (stream: StreamName, hiding: Hiding) {
        let typed = body.span.bytes.array(try Body.parts(body.span.bytes).typed)
        let words = String(decoding: typed, as: UTF8.self).split(separator: " ").map(String.init)
        let stream = try StreamName(words[0])
        if words[1].hasPrefix("<") { return (stream, .before(EntryID(String(words[1].dropFirst()))!)) }
        return (stream, .entries(words.dropFirst().map { EntryID($0)! }))
    }
}

/// How the tests' rules write what was offered.
enum TestConflict {
    static func typed(_ event: LogEvent) -> [UInt8] {
        guard case .conflict(_, _, let offered, _) = event else { return [] }
        return offered.bytes
    }

    static func read(_ body: [UInt8]) throws -> Digest {
        let typed = body.span.bytes.array(try Body.parts(body.span.bytes).typed)
        return Digest(hex: Hex.encode(typed))!
    }
}

/// How the tests' rules write whose child a log is.
enum TestRestoration {
    static func typed(_ event: LogEvent) -> [UInt8] {
        guard case .restored(let it) = event else { return [] }
        return Array("\(it.id) \(it.parent) \(it.parentHead) \(it.verdict)".utf8)
    }

    static func read(_ body: [UInt8]) throws -> Restoration {
        let typed = body.span.bytes.array(try Body.parts(body.span.bytes).typed)
        let words = String(decoding: typed, as: UTF8.self).split(separator: " ").map(String.init)
        return Restoration(
            id: LogID(hex: words[0])!, parent: LogID(hex: words[1])!, parentHead: Head(words[2])!,
            verdict: Restoration.Verdict(rawValue: words[3])!, known: [])
    }
}

let testStream = StreamName(literal: "test:stream")

/// A clock that tests move.
final class TestClock: @unchecked Sendable {
    private let lock = NSLock()
    private var nanoseconds: Int64 = 1_700_000_000_000_000_000

    func advance(milliseconds: Int64) { lock.withLock { nanoseconds += milliseconds * 1_000_000 } }
    private func read() -> Int64 { lock.withLock { nanoseconds } }

    var clock: LogClock {
        LogClock(
            now: { Timestamp(nanoseconds: self.read()) },
            boot: { BootInstant(nanoseconds: UInt64(self.read())) })
    }
}

func temporaryFolder() -> String {
    let path = FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString
    try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}

func testOptions(clock: LogClock = .system, bytesMax: Int = 1 << 40) -> LogOptions {
    LogOptions(bytesMax: bytesMax, reserveBytes: 0, clock: clock, version: "test")
}

/// Makes a log, lends it, verifies it, removes it.
func withLog(
    clock: LogClock = .system, bytesMax: Int = 1 << 40, _ body: (EventLog) throws -> Void
) throws {
    let path = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let options = testOptions(clock: clock, bytesMax: bytesMax)
    _ = try EventLog.create(at: path + "/log", options: options)
    let log = try EventLog(at: path + "/log", mode: .writing, rules: testRules, options: options)
    do { try body(log) } catch {
        log.close()
        throw error
    }
    let report = try log.verify(known: nil) { _ in }
    #expect(report.findings == [])
    log.close()
}

func draft(
    _ text: String, key: String? = nil, kind: Kind = TestKind.plain, stream: StreamName? = testStream,
    id: EntryIDRequest = .next
) -> Draft {
    Draft(
        kind: kind, stream: stream, entryID: id, key: key.map { .user($0) }, traceID: "trace", producer: "test",
        body: Body(fields: FieldMap([("text", text)]), typed: Array(text.utf8)))
}

extension AppendAnswer {
    var sequence: UInt64? {
        switch self {
        case .appended(let place), .duplicate(let place), .conflict(let place): place.sequence.rawValue
        case .refused, .unknown: nil
        }
    }
    var isAppended: Bool { if case .appended = self { true } else { false } }
    var isDuplicate: Bool { if case .duplicate = self { true } else { false } }
    var isConflict: Bool { if case .conflict = self { true } else { false } }
}

/// Random numbers that a printed seed brings back.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &+ 0x9e37_79b9_7f4a_7c15 }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
