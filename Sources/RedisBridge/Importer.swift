// Redis → log, on a thread of its own: the shell around `ImportCourse`. An entry is acknowledged in Redis only after the
// log's commit, and the log knows it by its key, so it is neither lost nor there twice, whoever dies when.

internal import EventLog
internal import Events
internal import Logging
internal import Records
internal import Services

final class Importer {
    private let log: EventLog
    private let plan: BridgePlan
    private let consumer: String
    private let board: BridgeBoard
    private let logger: Logger
    private var course: ImportCourse
    private var refusedTriggers = RefusedTriggers()
    /// Refused triggers that were counted, not recorded; acknowledged with the record that counts them.
    private var held: [(place: Int, id: EntryID)] = []
    private var heldSince: UInt64 = 0
    /// When refused triggers are taken over again that the log had no room to count.
    private var reclaimAt: UInt64?
    private var lookedAt: UInt64 = 0

    init(_ log: EventLog, _ plan: BridgePlan, consumer: String, _ board: BridgeBoard, _ logger: Logger) {
        self.log = log
        self.plan = plan
        self.consumer = consumer
        self.board = board
        self.logger = logger
        course = ImportCourse(streams: plan.imports.count)
    }

    /// Over a new connection, or a Redis that has lost its data.
    func connected() {
        held.removeAll()  // they are pending, and come again
        course.connected()
    }

    /// One step, at most `Limits.bridgeBlockMilliseconds` and one answer long. Milliseconds to pause: nothing can be done.
    func turn(_ link: RedisLink) throws -> Int64 {
        try releaseHeld(link)
        try look(link)
        let step = course.next(at: log.clock.boot())
        do { return try perform(step, link) } catch RedisTrouble.replyTooLarge {
            course.tooLarge(step)
            throw RedisTrouble.replyTooLarge
        }
    }

    private func perform(_ step: ImportCourse.Step, _ link: RedisLink) throws -> Int64 {
        switch step {
        case .makeGroup(let place): try makeGroup(place, link)
        case .claim(let place, let from, let count): try claim(place, from, count, link)
        case .passOver(let place, let from): try passOver(place, from, link)
        case .read(let places, let count): try read(places, count, link)
        case .wait(let milliseconds): return milliseconds
        }
        return 0
    }

    // MARK: Asking Redis

    private func makeGroup(_ place: Int, _ link: RedisLink) throws {
        let reply = try link.run(redis("XGROUP", "CREATE", plan.imports[place].redis, plan.group, "0", "MKSTREAM"))
        if case .error(let text) = reply {
            // A full Redis refuses before it looks; where the group is missing, the next answer says so.
            guard text.hasPrefix("BUSYGROUP") || text.hasPrefix("OOM") else { throw RedisTrouble.refused(text) }
        } else if !reply.isOK {
            throw RedisTrouble.nonsense(command: "XGROUP", answer: reply.summary)
        }
        course.groupMade(place)
    }

    /// Takes over what is pending with anybody: there is one bridge, so they are dead, or this one before its last loss.
    private func claim(_ place: Int, _ from: EntryID, _ count: Int, _ link: RedisLink) throws {
        let found = try StreamEntries.claimed(
            try link.run(
                redis(
                    "XAUTOCLAIM", plan.imports[place].redis, plan.group, consumer, "0", "\(from)", "COUNT", "\(count)"))
        )
        if !found.entries.isEmpty, case .claiming = course.phases[place] {
            logger.notice("bridge: took over \(found.entries.count) unfinished entries of \(plan.imports[place].redis)")
        }
        let lost = found.deleted.map { RedisEntry(id: $0, fields: nil) }
        guard try take(place, found.entries + lost, link) else { return }
        course.claimed(place, cursor: found.cursor)
        board.change(import: place) { $0.isWaiting = false }
        if found.cursor == .zero { try forgetOthers(place, link) }
    }

    /// Dead bridges leave a name in the group, each of them.
    private func forgetOthers(_ place: Int, _ link: RedisLink) throws {
        let key = plan.imports[place].redis
        let reply = try link.run(redis("XINFO", "CONSUMERS", key, plan.group))
        for one in reply.list ?? [] {
            let members = one.members ?? []
            guard let name = members.first(where: { $0.name == "name" })?.value.string, name != consumer,
                members.first(where: { $0.name == "pending" })?.value == .integer(0)
            else { continue }
            _ = try link.run(redis("XGROUP", "DELCONSUMER", key, plan.group, name))
        }
    }

    private func passOver(_ place: Int, _ from: EntryID, _ link: RedisLink) throws {
        let source = plan.imports[place]
        let reply = try link.run(
            redis("XAUTOCLAIM", source.redis, plan.group, consumer, "0", "\(from)", "COUNT", "1", "JUSTID"))
        if case .error(let text) = reply { throw RedisTrouble.refused(text) }
        guard let parts = reply.list, parts.count >= 2, let cursor = parts[0].string.flatMap({ EntryID($0) }) else {
            throw RedisTrouble.nonsense(command: "XAUTOCLAIM", answer: reply.summary)
        }
        for id in (parts[1].list ?? []).compactMap({ $0.string.flatMap { EntryID($0) } }) {
            let why = "larger than an answer of Redis may be, \(Limits.redisReplyBytesMax) bytes; it stays in Redis"
            let entry = try ImportedEntry(id: id, lost: why, from: source, plan.name, at: log.clock.now())
            guard try take(place, [entry], link) else { return }
        }
        course.passedOver(place, cursor: cursor)
    }

    private func read(_ places: [Int], _ count: Int, _ link: RedisLink) throws {
        let keys = places.map { plan.imports[$0].redis }
        let reply = try link.run(
            redis(
                "XREADGROUP", "GROUP", plan.group, consumer, "COUNT", "\(count)", "BLOCK",
                "\(Limits.bridgeBlockMilliseconds)", "STREAMS") + (keys + keys.map { _ in ">" }).map { Array($0.utf8) })
        for (key, entries) in try StreamEntries.groups(reply) {
            guard let place = plan.imports.firstIndex(where: { $0.redis.utf8.elementsEqual(key) }) else {
                throw RedisTrouble.nonsense(command: "XREADGROUP", answer: "a stream that was not asked for")
            }
            _ = try take(place, entries, link)
        }
        course.read()
    }

    // MARK: Into the log

    private func take(_ place: Int, _ entries: [RedisEntry], _ link: RedisLink) throws -> Bool {
        let (source, now) = (plan.imports[place], log.clock.now())
        let imported = try entries.map { entry in
            guard let fields = entry.fields else {
                let why =
                    "pending and deleted in Redis; lost, unless a record has a key import/\(plan.name)/\(source.redis)/\(entry.id)/…"
                return try ImportedEntry(id: entry.id, lost: why, from: source, plan.name, at: now)
            }
            return try ImportedEntry(id: entry.id, fields: fields, from: source, plan.name, at: now)
        }
        return try take(place, imported, link)
    }

    /// False where the log takes nothing for now: the entries stay pending, and the stream waits. What stops or closes
    /// waits for nobody: the log takes it when it takes nothing else.
    private func take(_ place: Int, _ entries: [ImportedEntry], _ link: RedisLink) throws -> Bool {
        guard !entries.isEmpty else { return true }
        Failpoint.importBefore.hit()
        var refusal: Refusal?
        for part in Importer.parts(try admitted(place, entries)) {
            guard refusal == nil || part.first?.draft.writeClass == .emergency else { continue }
            do { try append(place, part[...], link) } catch LogError.refused(let why) {
                if part.allSatisfy({ $0.refused != nil }) { hold(place, part) } else { refusal = why }
            }
        }
        guard let refusal else { return true }
        logger.error("bridge: \(plan.imports[place].redis) waits: \(refusal)")
        board.change(import: place) { $0.isWaiting = true }
        course.wait(place, at: log.clock.boot())
        return false
    }

    /// In their order; what differs in how far the log may fill for it, and refused triggers, apart.
    private static func parts(_ entries: [ImportedEntry]) -> [[ImportedEntry]] {
        var parts: [[ImportedEntry]] = []
        for entry in entries {
            if let last = parts.last?.last, last.draft.writeClass == entry.draft.writeClass,
                (last.refused == nil) == (entry.refused == nil)
            {
                parts[parts.count - 1].append(entry)
            } else {
                parts.append([entry])
            }
        }
        return parts
    }

    /// Without refused triggers of which there are too many: those are counted, and held until the count is a record.
    private func admitted(_ place: Int, _ entries: [ImportedEntry]) throws -> [ImportedEntry] {
        guard entries.contains(where: { $0.refused != nil }) else { return entries }
        let known = try log.snapshot { snapshot in
            try entries.map { try snapshot.first($0.key, stream: nil) != nil }
        }
        var admitted: [ImportedEntry] = []
        for (entry, isKnown) in zip(entries, known) {
            let now = log.clock.now()
            if let refused = entry.refused, !isKnown,
                !refusedTriggers.admits(
                    refused, client: ImportedEntry.producer(plan.name), sample: entry.draft.body.bytes, at: now)
            {
                hold(place, [entry])
            } else {
                admitted.append(entry)
            }
        }
        return admitted
    }

    private func hold(_ place: Int, _ entries: [ImportedEntry]) {
        if held.isEmpty { heldSince = log.clock.boot().nanoseconds }
        held += entries.map { (place, $0.id) }
    }

    private func releaseHeld(_ link: RedisLink) throws {
        let now = log.clock.boot().nanoseconds
        if let due = reclaimAt, now >= due {
            reclaimAt = nil
            for place in plan.imports.indices where course.phases[place] == .reading { course.groupMade(place) }
        }
        let age = (now - min(now, heldSince)) / 1_000_000
        guard !held.isEmpty, age >= UInt64(Limits.bridgeLookMilliseconds) || held.count >= Limits.bridgeHeldTriggersMax
        else { return }
        let done = held
        held.removeAll()
        let drafts = try refusedTriggers.summaries(
            all: true, producer: ImportedEntry.producer(plan.name), at: log.clock.now())
        for answer in try log.append(drafts, .group) {
            switch answer {
            case .appended, .duplicate, .conflict: continue
            case .refused(let refusal):
                // They are pending in Redis, and are taken over again a little later.
                logger.error("bridge: \(done.count) refused triggers are not on record yet: \(refusal)")
                reclaimAt = now + UInt64(Limits.bridgeStoppedMilliseconds) * 1_000_000
                return
            case .unknown(let why): throw LogError.outcomeUnknown(why)
            }
        }
        for place in Set(done.map(\.place)).sorted() {
            let ids = done.filter { $0.place == place }.map(\.id)
            board.change(import: place) { $0.refused += UInt64(ids.count) }
            try acknowledge(place, ids, link)
        }
    }

    private enum Answer { case appended, known, refused }

    private func append(_ place: Int, _ entries: ArraySlice<ImportedEntry>, _ link: RedisLink) throws {
        guard let writeClass = entries.first?.draft.writeClass else { return }
        let answers: [Answer]
        do {
            answers = try commit(plan.imports[place], Array(entries), writeClass)
        } catch LogError.refused(.tooMuchAtOnce) where entries.count > 1 {
            let middle = entries.startIndex + entries.count / 2
            try append(place, entries[..<middle], link)
            return try append(place, entries[middle...], link)
        }
        Failpoint.importAfter.hit()
        board.change(import: place) { tally in
            for answer in answers {
                switch answer {
                case .appended: tally.imported += 1
                case .known: tally.known += 1
                case .refused: tally.refused += 1
                }
            }
        }
        try acknowledge(place, entries.map(\.id), link)
    }

    /// All of them in one transaction; each is looked up there by its key.
    private func commit(
        _ source: BridgePlan.Import, _ entries: [ImportedEntry], _ writeClass: WriteClass
    ) throws -> [Answer] {
        let (name, rules) = (plan.name, log.rules)
        let prepared = entries.map { entry in Result { try PreparedDraft(entry.draft, rules: rules) } }
        return try log.transact(writeClass) { transaction in
            var answers: [Answer] = []
            for (entry, prepared) in zip(entries, prepared) {
                // Whatever it would be today (a trigger ages), it is what it was when it came first.
                if try transaction.sequence(of: entry.key, stream: nil) != nil {
                    answers.append(.known)
                    continue
                }
                switch try Importer.append(prepared, &transaction) {
                case .appended:
                    answers.append(entry.draft.kind == EventKind.messageRefused.kind ? .refused : .appended)
                case .duplicate, .conflict: answers.append(.known)
                case .unknown(let why): throw LogError.poisoned(why)
                case .refused(let refusal):
                    let isAlone = entries.count == 1
                    guard Importer.isFinal(refusal, isAlone: isAlone) else { throw LogError.refused(refusal) }
                    let draft = try entry.refused(by: refusal, from: source, name, at: transaction.now)
                    if case .refused(let again) = try transaction.append(draft) { throw LogError.refused(again) }
                    answers.append(.refused)
                }
            }
            return answers
        }
    }

    private static func append(
        _ prepared: Result<PreparedDraft, any Error>, _ transaction: inout LogTransaction
    ) throws -> AppendAnswer {
        do { return try transaction.append(try prepared.get()) } catch let refusal as Refusal {
            return .refused(refusal)
        }
    }

    /// Whether trying again later would be answered the same.
    private static func isFinal(_ refusal: Refusal, isAlone: Bool) -> Bool {
        switch refusal {
        case .guarded, .bound, .entryID: true
        case .tooMuchAtOnce: isAlone
        case .full, .busy: false
        }
    }

    private func acknowledge(_ place: Int, _ ids: [EntryID], _ link: RedisLink) throws {
        let key = plan.imports[place].redis
        var rest = ids[...]
        while !rest.isEmpty {
            let part = rest.prefix(Limits.bridgeKeysPerWriteMax)
            rest = rest.dropFirst(part.count)
            let reply = try link.run(redis("XACK", key, plan.group) + part.map { Array("\($0)".utf8) })
            if case .error(let text) = reply { throw RedisTrouble.refused(text) }
        }
    }

    // MARK: Lag

    private func look(_ link: RedisLink) throws {
        let now = log.clock.boot().nanoseconds
        guard now - min(now, lookedAt) >= UInt64(Limits.bridgeLookMilliseconds) * 1_000_000 else { return }
        lookedAt = now
        for (place, source) in plan.imports.enumerated() {
            guard let groups = try link.run(redis("XINFO", "GROUPS", source.redis)).list else { continue }
            for group in groups {
                let members = group.members ?? []
                guard members.first(where: { $0.name == "name" })?.value == .text(plan.group) else { continue }
                board.change(import: place) { tally in
                    tally.lag = nil
                    if case .integer(let lag)? = members.first(where: { $0.name == "lag" })?.value { tally.lag = lag }
                    if case .integer(let pending)? = members.first(where: { $0.name == "pending" })?.value {
                        tally.pending = pending
                    }
                }
            }
        }
        board.write()
    }
}
