// A child that writes a log as its seed says and keeps a journal of what it was told. It runs under CallShim.
// Where a call fails, it looks whether the log refuses to go on, opens it again and asks again, once, with the
// same keys: that is what the runbook tells people to do.

import EventLog
import Foundation
import Records

enum WorkloadStep {
    case append([Int])
    /// So many entries of the group.
    case read(Int)
    /// So many of those that were read.
    case acknowledge(Int)
    /// Acknowledges one entry and appends what came of it, together.
    case handle(Int)

    /// Drafts are numbered from 1. The group's stream is the first one.
    static func plan(seed: UInt64, steps: Int, from first: Int) -> [WorkloadStep] {
        var random = SeededGenerator(seed: seed ^ UInt64(first))
        var next = first
        return (0..<steps).map { _ in
            switch random.next() % 10 {
            case 0, 1: return .read(1 + Int(random.next() % 6))
            case 2: return .acknowledge(1 + Int(random.next() % 4))
            case 3, 4:
                next += 1
                return .handle(next - 1)
            default:
                let count = random.next() % 4 == 0 ? 3 + Int(random.next() % 6) : 1
                next += count
                return .append(Array(next - count..<next))
            }
        }
    }
}

final class LogWorkload {
    /// Numbers of drafts that no plan has: offered to a log that must refuse, and by whoever checks.
    static let firstProbe = 1_000_000
    static let checkersDraft = 2_000_000

    private let path: String
    private let seed: UInt64
    private let journal: Journal
    private var log: EventLog?
    private var pending: [EntryID] = []
    private var probes = 0

    /// Answers that no workload may get.
    private struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    /// `log-soak child log-workload FOLDER JOURNAL SEED make|continue STEPS`
    static func child(_ arguments: [String]) throws {
        guard arguments.count == 5, let seed = UInt64(arguments[2]), let steps = Int(arguments[4]) else {
            throw Trouble("log-workload FOLDER JOURNAL SEED make|continue STEPS")
        }
        let workload = LogWorkload(arguments[0], try Journal(appendingTo: arguments[1]), seed: seed)
        let isNew = arguments[3] == "make"
        if isNew { try workload.make() }
        let plan = WorkloadStep.plan(seed: seed, steps: steps, from: isNew ? 1 : 10_000)
        try workload.open()
        for step in plan { try workload.persist { try workload.perform(step) } }
        workload.log?.close()
        try workload.journal.end()
    }

    private init(_ path: String, _ journal: Journal, seed: UInt64) {
        self.path = path
        self.journal = journal
        self.seed = seed
    }

    // MARK: Persisting

    private func make() throws {
        try persist {
            do { _ = try EventLog.create(at: path, options: SoakLog.options) } catch LogError.alreadyThere {}
        }
        try open()
        try persist { [self] in
            do {
                try log!.transact(.group) { try $0.createGroup(SoakLog.streams[0], SoakLog.group, after: .zero) }
            } catch LogError.groupAlreadyThere {}
        }
    }

    private func open() throws {
        guard log == nil else { return }
        try persist { log = try SoakLog.open(path, .writing) }
    }

    /// Twice, if need be; what fails twice ends the workload.
    private func persist(_ body: () throws -> Void) throws {
        do { try body() } catch {
            if error is Unexpected { throw error }
            try journal.fail(error)
            try reopen(after: error)
            try body()
        }
    }

    private func reopen(after error: any Error) throws {
        guard let log else { return }
        probes += 1
        do {
            let answer = try log.append([SoakLog.draft(LogWorkload.firstProbe + probes, seed: seed)])
            try journal.refusedAfterwards("not at all: \(answer)")
        } catch LogError.poisoned {
            try journal.refusedAfterwards("poisoned")
        }
        log.close()
        self.log = try SoakLog.open(path, .writing)
    }

    // MARK: Steps

    private func perform(_ step: WorkloadStep) throws {
        guard let log else { throw Unexpected(description: "the log is not open") }
        let (stream, group, seed) = (SoakLog.streams[0], SoakLog.group, seed)
        switch step {
        case .append(let numbers):
            let answers = try log.append(numbers.map { SoakLog.draft($0, seed: seed) })
            try journal.acknowledge(try zip(numbers, answers).map { .record($0, try LogWorkload.place($1)) })
        case .read(let count):
            let delivered = try log.transact(.group) { transaction in
                try transaction.readNew(stream, group, consumer: SoakLog.consumer, count: count)
            }
            pending += delivered.map(\.entry.id)
            if let last = delivered.last { try journal.acknowledge([.delivered(last.entry.id)]) }
        case .acknowledge(let count):
            let ids = Array(pending.prefix(count))
            guard !ids.isEmpty else { return }
            _ = try log.transact(.group) { try $0.acknowledge(stream, group, ids) }
            pending.removeFirst(ids.count)
            try journal.acknowledge(ids.map { .done($0) })
        case .handle(let number):
            guard let id = pending.first else { return try perform(.append([number])) }
            let answer = try log.transact(.group) { transaction in
                let answer = try transaction.append(SoakLog.draft(number, seed: seed))
                _ = try transaction.acknowledge(stream, group, [id])
                return answer
            }
            pending.removeFirst()
            try journal.acknowledge([.record(number, try LogWorkload.place(answer)), .done(id)])
        }
    }

    private static func place(_ answer: AppendAnswer) throws -> SequenceNumber {
        switch answer {
        case .appended(let place), .duplicate(let place): return place.sequence
        case .unknown(let why): throw LogError.outcomeUnknown(why)
        case .conflict, .refused: throw Unexpected(description: "\(answer)")
        }
    }
}
