// Log → Redis, on a thread of its own: the shell around `ExportCourse`. Redis' stream and the sentinel are watched while
// Redis is asked how far its copy goes, and the entries leave in one MULTI: between the look and the writing nobody can
// have added, emptied or replaced anything. How far the copy goes is saved in the log as a group's offset, for `status`;
// what is sent next is read from Redis alone.

internal import EventLog
internal import Logging
internal import Records
internal import Services

final class Exporter {
    private let log: EventLog
    private let plan: BridgePlan
    private let keys: VirtualKeys
    private let board: BridgeBoard
    private let logger: Logger
    private var courses: [ExportCourse]
    /// Per stream, when one that stopped is looked at again.
    private var lookAgainAt: [UInt64]
    /// Per stream, the log's last id when all of it was there.
    private var done: [EntryID?]
    private static let consumer = "bridge"

    init(_ log: EventLog, _ plan: BridgePlan, _ keys: VirtualKeys, _ board: BridgeBoard, _ logger: Logger) {
        self.log = log
        self.plan = plan
        self.keys = keys
        self.board = board
        self.logger = logger
        courses = plan.exports.map { _ in ExportCourse() }
        lookAgainAt = plan.exports.map { _ in 0 }
        done = plan.exports.map { _ in nil }
    }

    func connected() {
        for place in courses.indices {
            courses[place].connected()
            (lookAgainAt[place], done[place]) = (0, nil)
        }
    }

    /// Sends a part of what each stream has; false where nothing was left.
    func turn(_ link: RedisLink) throws -> Bool {
        var hasSent = false
        for place in plan.exports.indices {
            if try send(place, link) { hasSent = true }
        }
        return hasSent
    }

    /// Looks at each stream again, whether or not the log has something new: Redis may have lost what it had.
    func lookAgain() { done = done.map { _ in nil } }

    private func send(_ place: Int, _ link: RedisLink) throws -> Bool {
        let last = try log.snapshot { try $0.stream(plan.exports[place].stream)?.lastID ?? .zero }
        let now = log.clock.boot().nanoseconds
        guard done[place] != last, now >= lookAgainAt[place] else { return false }
        switch try look(place, link) {
        case .compare: preconditionFailure("a look compares by itself")
        case .stop(let why):
            board.stopped(place, why)
            lookAgainAt[place] = now + UInt64(Limits.bridgeStoppedMilliseconds) * 1_000_000
            try link.expectOK(redis("UNWATCH"))
            return false
        case .send(let after):
            board.stopped(place, nil)
            let entries = try entries(plan.exports[place].stream, after: after)
            guard !entries.isEmpty else {
                try link.expectOK(redis("UNWATCH"))
                try save(place, after)
                done[place] = last
                return false
            }
            try write(place, entries, link)
            return true
        }
    }

    // MARK: Looking

    private func look(_ place: Int, _ link: RedisLink) throws -> ExportCourse.Step {
        let key = plan.exports[place].redis
        let replies = try link.run([
            redis("WATCH", plan.sentinel, key), redis("GET", plan.sentinel), redis("XINFO", "STREAM", key),
        ])
        guard replies[0].isOK else { throw RedisTrouble.refused(replies[0].summary) }
        _ = try keys.checkSentinel(replies[1], mayBeMissing: false)
        let lastID = try Exporter.lastID(replies[2])
        guard let lastID else { return .stop("it is no stream") }
        tellOfLoss(place, lastID)
        let step = courses[place].looked(lastID: lastID)
        guard case .compare(let id) = step else { return step }
        let theirs = try StreamEntries.entries(try link.run(redis("XRANGE", key, "\(id)", "\(id)")), "XRANGE")
        let ours = try log.snapshot { snapshot -> FieldMap? in
            guard let stream = try snapshot.stream(plan.exports[place].stream),
                let entry = try snapshot.everyEntry(stream.number, id...id, limit: 1).first
            else { return nil }
            return try snapshot.record(entry.sequence)?.fields()
        }
        return courses[place].compared(id, ours: ours, theirs: theirs.first?.fields)
    }

    private func tellOfLoss(_ place: Int, _ lastID: EntryID) {
        guard let reached = courses[place].reached, lastID < reached else { return }
        logger.error(
            "bridge: Redis has lost entries of \(plan.exports[place].redis) after \(lastID); they are sent again")
    }

    /// Nil: the key is something else.
    private static func lastID(_ reply: RedisReply) throws(RedisTrouble) -> EntryID? {
        if case .error(let text) = reply {
            if text.hasPrefix("ERR no such key") { return .zero }
            if text.hasPrefix("WRONGTYPE") { return nil }
            throw .refused(text)
        }
        let found = reply.members?.first { $0.name == "last-generated-id" }
        guard let id = found?.value.string.flatMap({ EntryID($0) }) else {
            throw .nonsense(command: "XINFO STREAM", answer: reply.summary)
        }
        return id
    }

    // MARK: Writing

    private struct Entry {
        let id: EntryID
        let fields: FieldMap
    }

    /// The next ones, hidden ones, too: a stream that the log trims must not lose entries on its way.
    private func entries(_ stream: StreamName, after: EntryID) throws -> [Entry] {
        try log.snapshot { snapshot in
            guard let from = after.next, let state = try snapshot.stream(stream) else { return [] }
            var (found, bytes) = ([Entry](), 0)
            let entries = try snapshot.everyEntry(state.number, from ... .last, limit: Limits.bridgeSendEntriesMax)
            for entry in entries {
                guard let record = try snapshot.record(entry.sequence) else {
                    throw LogError.damaged("entry \(entry.id) of \(stream) has no record \(entry.sequence)")
                }
                bytes += record.body.count
                if !found.isEmpty, bytes > Limits.bridgeSendBytesMax { break }
                found.append(Entry(id: entry.id, fields: try record.fields()))
            }
            return found
        }
    }

    private func write(_ place: Int, _ entries: [Entry], _ link: RedisLink) throws {
        let key = plan.exports[place].redis
        let adds = entries.map { entry in
            redis("XADD", key, "\(entry.id)") + entry.fields.fields.flatMap { [$0.name, $0.value] }
        }
        let replies = try link.run([redis("MULTI")] + adds + [redis("EXEC")])
        // The first error says why; EXEC's only that there was one.
        for reply in replies.dropLast() {
            if case .error(let text) = reply { throw RedisTrouble.refused(text) }
        }
        switch replies[replies.count - 1] {
        case .null: return  // somebody was there in between: it is looked at again
        case .error(let text): throw RedisTrouble.refused(text)
        case .list(let ids):
            guard ids.count == entries.count else {
                throw RedisTrouble.nonsense(command: "EXEC", answer: "\(ids.count) answers")
            }
            for (reply, entry) in zip(ids, entries) where reply != .text(entry.id.description) {
                // With the stream watched this cannot be; over a new connection the stream is looked at again.
                throw RedisTrouble.refused("\(reply.summary) to XADD \(key) \(entry.id)")
            }
        case .integer, .text: throw RedisTrouble.nonsense(command: "EXEC", answer: replies[replies.count - 1].summary)
        }
        Failpoint.exportAfter.hit()
        guard let last = entries.last?.id else { return }
        courses[place].sent(through: last)
        board.sent(place, entries.count)
        try save(place, last)
    }

    private func save(_ place: Int, _ id: EntryID) throws {
        let (stream, group) = (plan.exports[place].stream, plan.group)
        let known = try log.snapshot { try $0.groupState(stream, group)?.lastDeliveredID }
        guard let known, known < id else { return }
        do {
            try log.transact(.group) { try $0.passOver(stream, group, upTo: id, consumer: Exporter.consumer) }
        } catch LogError.refused(let refusal) {
            // It is shown, and decides nothing.
            logger.warning("bridge: how far \(stream) is exported is not saved: \(refusal)")
        }
    }
}
