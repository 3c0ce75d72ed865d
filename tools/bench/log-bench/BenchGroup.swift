// The group calls of every row, in one place: made, read, acknowledged, and what is left before it. Which
// rows wait, lag or time a call is theirs; nothing here waits or measures.

import EventLog
import Records

struct BenchGroup: Sendable {
    let log: EventLog
    let name: String
    let consumer: String
    private var stream: StreamName { LogBench.stream }

    init(_ log: EventLog, _ name: String, consumer: String = "bench") {
        self.log = log
        self.name = name
        self.consumer = consumer
    }

    /// From the stream's first entry on. A group that is there already is no error.
    func create() throws {
        do {
            try log.transact(.group) { [stream, name] in try $0.createGroup(stream, name, after: .zero) }
        } catch LogError.groupAlreadyThere {
            // As Redis' BUSYGROUP.
        }
    }

    /// One durable transaction.
    func readNew(_ count: Int) throws -> [IndexEntry] {
        try log.transact(.group) { [stream, name, consumer] in
            try $0.readNew(stream, name, consumer: consumer, count: count).map(\.entry)
        }
    }

    /// One durable transaction. Whoever counts on an entry that was not pending measures nothing.
    func acknowledge(_ ids: [EntryID]) throws {
        let done = try log.transact(.group) { [stream, name] in try $0.acknowledge(stream, name, ids) }
        guard done == ids.count else { fatalError("\(done) of \(ids.count) entries were pending in \(name)") }
    }

    /// Both in one durable transaction: what was done, and what comes next.
    func acknowledgeAndReadNew(_ ids: [EntryID], _ count: Int) throws -> [IndexEntry] {
        try log.transact(.group) { [stream, name, consumer] in
            let done = ids.isEmpty ? 0 : try $0.acknowledge(stream, name, ids)
            guard done == ids.count else { fatalError("\(done) of \(ids.count) entries were pending in \(name)") }
            return try $0.readNew(stream, name, consumer: consumer, count: count).map(\.entry)
        }
    }

    /// Entries that were not delivered yet.
    func lag() throws -> UInt64 {
        try log.snapshot { try $0.groups() }.first { $0.group == name }?.lag ?? 0
    }
}
