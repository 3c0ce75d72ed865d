// A child that is given folders of logs and says of each whether it is whole: it opens, verifies, reads, compares
// with a journal, appends, and verifies again. A damaged page may end it; then whoever started it starts another.

import EventLog
import Foundation
import Glibc
import Records

/// What a check found of one log.
enum Finding: Equatable {
    /// Everything that was acknowledged is there, once, and the log goes on.
    case whole
    /// Opening, verifying or appending said that something is wrong.
    case found(String)
    /// Verified, consistent, and older than what was acknowledged by so many lines of the journal.
    case lost(Int, String)
    /// Verified, and not what was written.
    case wrong(String)

    /// One line, whatever was found.
    var line: String {
        switch self {
        case .whole: "whole"
        case .found(let what): "found\t\(Finding.plain(what))"
        case .lost(let count, let what): "lost\t\(count)\t\(Finding.plain(what))"
        case .wrong(let what): "wrong\t\(Finding.plain(what))"
        }
    }

    private static func plain(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 < 0x20 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    /// Answers whoever asked.
    func say() throws { try FileHandle.standardOutput.write(contentsOf: Data((line + "\n").utf8)) }

    init(_ line: String) throws {
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count) {
        case ("whole", 1): self = .whole
        case ("found", 2): self = .found(parts[1])
        case ("lost", 3): self = .lost(Int(parts[1]) ?? 0, parts[2])
        case ("wrong", 2): self = .wrong(parts[1])
        default: throw Trouble("a check answered \(line)")
        }
    }
}

final class LogCheck {
    private var known: (path: String, seed: UInt64, lines: [JournalLine]) = ("", 0, [])

    /// `log-soak child log-check`; each line of input is `FOLDER<tab>JOURNAL<tab>LINES<tab>SEED`.
    static func child(_ arguments: [String]) throws {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        let check = LogCheck()
        while let line = readLine() {
            let parts = line.split(separator: "\t").map(String.init)
            guard parts.count == 4, let lines = Int(parts[2]), let seed = UInt64(parts[3]) else {
                throw Trouble("log-check was asked \(line)")
            }
            try check.check(parts[0], parts[1], lines: lines, seed: seed).say()
        }
    }

    private func check(_ path: String, _ journal: String, lines: Int, seed: UInt64) throws -> Finding {
        // The same path may be the journal of another workload, then of another seed or length.
        if journal != known.path || seed != known.seed || lines > known.lines.count {
            known = (journal, seed, try JournalLine.lines(journal))
        }
        let acknowledged = known.lines.prefix(lines)
        let log: EventLog
        do { log = try SoakLog.open(path, .writing) } catch { return .found("open: \(error)") }
        defer { log.close() }
        do {
            if let problem = try verified(log) { return .found(problem) }
            let content = try LogContent(log, seed: seed)
            if let problem = content.problem { return .wrong(problem) }
            if let (first, problem) = content.missing(acknowledged) {
                return .lost(acknowledged.count - first, problem)
            }
            if let problem = try content.taken(log, seed: seed) { return .wrong(problem) }
            let answer = try log.append([SoakLog.draft(LogWorkload.checkersDraft, seed: seed)])
            guard case .appended(let place)? = answer.first, place.sequence > content.head else {
                return .wrong("it answers an append with \(answer)")
            }
            return try verified(log).map { .wrong("after one append: \($0)") } ?? .whole
        } catch { return .found("\(error)") }
    }

    private func verified(_ log: EventLog) throws -> String? {
        try log.verify(known: nil) { _ in }.findings.first.map {
            "verify: \($0.problem) (\($0.sequence?.rawValue ?? 0))"
        }
    }
}

/// What a log serves, as far as a journal speaks of it.
private struct LogContent {
    private var numbers: [Int: SequenceNumber] = [:]
    private(set) var head = SequenceNumber.none
    /// Something is there that nobody wrote.
    private(set) var problem: String?
    private var delivered: EntryID?
    private var pending: Set<EntryID> = []

    init(_ log: EventLog, seed: UInt64) throws {
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            if record.sequence != head.next { problem = "record \(record.sequence) follows \(head)" }
            head = record.sequence
            guard let number = SoakLog.number(try record.key) else { return true }
            if let first = numbers.updateValue(record.sequence, forKey: number) {
                problem = "draft \(number) is there twice: records \(first) and \(record.sequence)"
            }
            let written = SoakLog.draft(number, seed: seed)
            if written.body.bytes != record.body.array() || written.kind != record.kind {
                problem = "record \(record.sequence) does not hold draft \(number)"
            }
            return problem == nil
        }
        try log.snapshot { snapshot in
            guard let group = try snapshot.groups().first(where: { $0.group == SoakLog.group }) else { return }
            delivered = group.lastDeliveredID
            let all = try snapshot.pending(
                group.stream, group.group, .zero ... .last, consumer: nil, limit: Int(group.pending))
            pending = Set(all.map(\.id))
        }
    }

    /// Offers everything that is there once more: a key that the index has forgotten would get a second record.
    func taken(_ log: EventLog, seed: UInt64) throws -> String? {
        let drafts = numbers.keys.sorted()
        for start in stride(from: 0, to: drafts.count, by: 64) {
            let some = drafts[start..<min(start + 64, drafts.count)]
            for (number, answer) in zip(some, try log.append(some.map { SoakLog.draft($0, seed: seed) })) {
                guard case .duplicate(let first) = answer, first.sequence == numbers[number] else {
                    return "draft \(number), offered again, is answered with \(answer)"
                }
            }
        }
        return nil
    }

    /// The first line of the journal that the log does not bear out.
    func missing(_ journal: ArraySlice<JournalLine>) -> (line: Int, problem: String)? {
        for (place, line) in journal.enumerated() {
            guard case .acknowledged(let all) = line else { continue }
            for one in all { if let problem = missing(one) { return (place, problem) } }
        }
        return nil
    }

    private func missing(_ one: Acknowledged) -> String? {
        switch one {
        case .record(let number, let sequence):
            if numbers[number] == sequence { return nil }
            return
                "draft \(number) was acknowledged as record \(sequence), \(numbers[number].map { "is \($0)" } ?? "is missing")"
        case .delivered(let id):
            return delivered.map { $0 >= id } == true
                ? nil : "the group had delivered \(id), is at \(delivered ?? .zero)"
        case .done(let id): return pending.contains(id) ? "\(id) was acknowledged, and is pending" : nil
        }
    }
}
