// What a workload was told is done: one line for each call that returned, written before the next one is made.
// It is the truth that a log is measured against, so it stands outside the log.

import Foundation
import Glibc
import Records

/// What one line says.
enum Acknowledged: Equatable {
    /// The draft of that number is that record.
    case record(Int, SequenceNumber)
    /// The group has delivered up to there.
    case delivered(EntryID)
    /// The entry is no longer pending.
    case done(EntryID)
}

/// A line of the journal.
enum JournalLine {
    case acknowledged([Acknowledged])
    /// A call failed, with the error's type and text.
    case failed(String)
    /// A call after a failed one was refused as it ought to be (or what came instead).
    case refusedAfterwards(String)
    case ended

    init(_ text: Substring) throws {
        switch text.first {
        case "e": self = .failed(String(text.dropFirst(2)))
        case "p": self = .refusedAfterwards(String(text.dropFirst(2)))
        case "z": self = .ended
        default: self = .acknowledged(try text.split(separator: " ").map(JournalLine.acknowledgement))
        }
    }

    private static func acknowledgement(_ word: Substring) throws -> Acknowledged {
        let rest = word.dropFirst()
        if word.first == "r" {
            let parts = rest.split(separator: ":")
            if parts.count == 2, let number = Int(parts[0]), let sequence = UInt64(parts[1]) {
                return .record(number, SequenceNumber(sequence))
            }
        }
        if word.first == "d", let id = EntryID(String(rest)) { return .delivered(id) }
        if word.first == "a", let id = EntryID(String(rest)) { return .done(id) }
        throw Trouble("the journal says \(word)")
    }

    static func lines(_ path: String) throws -> [JournalLine] {
        guard let data = FileManager.default.contents(atPath: path) else { throw Trouble("no journal at \(path)") }
        return try String(decoding: data, as: UTF8.self).split(separator: "\n").map { try JournalLine($0) }
    }
}

/// The writing end: one write for a line, so that a shim takes it for a mark.
struct Journal {
    private let descriptor: Int32

    init(appendingTo path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Trouble("\(path): \(String(cString: strerror(errno)))") }
    }

    func acknowledge(_ all: [Acknowledged]) throws {
        let words = all.map { one in
            switch one {
            case .record(let number, let sequence): "r\(number):\(sequence.rawValue)"
            case .delivered(let id): "d\(id)"
            case .done(let id): "a\(id)"
            }
        }
        try write(words.joined(separator: " "))
    }

    func fail(_ error: any Error) throws { try write("e \(type(of: error)): \(error)") }
    func refusedAfterwards(_ what: String) throws { try write("p \(what)") }
    func end() throws { try write("z") }

    private func write(_ text: String) throws {
        let bytes = Array((text.replacingOccurrences(of: "\n", with: " ") + "\n").utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw Trouble("the journal is full") }
    }
}
