import ArgumentParser
import Dispatch
import EventLog
import Events
import Foundation
import Records
import RedisBridge
import Services

struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a new log from a backup.",
        discussion: """
            The backup is copied, not touched, and every byte of the copy is verified. The new log has an id of its own, so
            that its orders never bear a name that the old log has given; a record says whose child it is.

            It starts HALTED, unless one of the heads given is exactly the restored one: then nothing followed the backup.
            Give the last head that is known from elsewhere: the last `backstop status`, the journal of the last `serve`, or
            the one that the bridge keeps in Redis. The backup's own head proves nothing: it was made before whatever
            followed. ops/runbooks/restored.md says what to do before trading goes on.

            Examples:
              backstop restore /backup/2026-01-17 /var/lib/backstop --head 1204:9f2c…
              backstop restore /backup/2026-01-17 --redis redis://127.0.0.1:6379
              backstop restore /backup/2026-01-17 ./drill            nothing is known of what followed: halted

            Exit status: 0 done (halted or not), 1 the backup is damaged, or is not of the log whose head was given,
            2 could not run.
            """)

    @Argument(help: "The backup's folder.")
    var source: String
    @Argument(help: "The folder to make; --log, BACKSTOP_LOG or ./backstop-log where it is not given.")
    var folder: String?
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("A head of the old log that was kept elsewhere; may be repeated.", valueName: "n:hash"))
    var head: [String] = []
    @Option(
        help: ArgumentHelp("A Redis whose bridge has kept the old log's head (or BACKSTOP_REDIS).", valueName: "url"))
    var redis: String?
    @OptionGroup var common: CommonOptions

    func run() throws {
        let (began, path) = (DispatchTime.now().uptimeNanoseconds, folder ?? common.path)
        guard !path.isEmpty, !source.isEmpty else { throw CannotRun("the folder's name is empty") }
        var known = try givenHeads()
        let stored = try storedHead()
        let backup = try ColdCopy(source)
        let unfinished = try UnfinishedLog(
            at: path, from: backup.source, needed: backup.byteCount, diskFree: { Capacity.diskFree($0) })
        try backup.write(into: unfinished) { done in
            Output.progress("copied \(bytes(done)) of \(bytes(backup.byteCount))")
        }
        Output.endProgress()
        let checked = try CheckedCopy.check(path, common)
        Failpoint.copyChecked.hit()
        if let stored {
            guard stored.origin == checked.origin else {
                throw NegativeFinding(
                    text:
                        "Redis keeps the head of another log (origin \(stored.origin), the backup's is \(checked.origin)); "
                        + "is it the right Redis, or the right backup?")
            }
            known.append(stored.head)
        }
        known.sort { $0.sequence < $1.sequence }
        let (restoration, newHead) = try become(checked, known, path)
        try unfinished.finish()
        show(checked, restoration, newHead, path, Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9)
    }

    // MARK: What is known elsewhere

    private func givenHeads() throws -> [Head] {
        guard head.count < Limits.knownHeadsMax else {
            throw CannotRun("--head: at most \(Limits.knownHeadsMax - 1) are taken")
        }
        return try head.map { text in
            guard let head = Head(text) else {
                throw CannotRun("--head \(text): N:HASH is needed, as status prints it")
            }
            return head
        }
    }

    private func storedHead() throws -> StoredHead? {
        guard let redis = redis ?? ProcessInfo.processInfo.environment["BACKSTOP_REDIS"] else { return nil }
        let plan = try common.loadSettings().bridge
        let found = try StoredHead.read(try RedisAddress(redis), plan)
        if found == nil { Output.error("Redis keeps no head under \(plan.headKey); nothing is known from there") }
        return found
    }

    // MARK: A log of its own

    private func become(_ checked: CheckedCopy, _ known: [Head], _ path: String) throws -> (Restoration, Head) {
        let log = try EventLog(
            in: try LogFolder(unfinished: path), mode: .writing, rules: EventRules.rules,
            options: try common.logOptions())
        defer { log.close() }
        let decision = try log.snapshot { snapshot in
            try RestoreDecision.decide(restored: checked.head, known: known) { sequence in
                sequence.isNone ? log.identity.genesis : try snapshot.record(sequence)?.header.hash
            }
        }
        switch decision {
        case .refused(let head, _):
            throw NegativeFinding(
                text: "record \(head.sequence) of the backup has another hash than the head that was given: "
                    + "it is another log's, or one of the two was rewritten; nothing was made")
        case .restore(let verdict):
            let restoration = Restoration(
                id: LogID.random(), parent: log.id, parentHead: checked.head, verdict: verdict, known: known)
            return (restoration, try log.become(restoration, halt: try restoration.halt(at: log.clock.now())))
        }
    }

    // MARK: What people and machines see

    private func show(
        _ copy: CheckedCopy, _ restoration: Restoration, _ newHead: Head, _ path: String, _ seconds: Double
    ) {
        if common.json {
            Output.json(
                .object([
                    JSONMember("restored", .string(path)), JSONMember("from", .string(source)),
                    JSONMember("log_id", .string("\(restoration.id)")),
                    JSONMember("parent_id", .string("\(restoration.parent)")),
                    JSONMember("parent_head", number(copy.head.sequence.rawValue)),
                    JSONMember("parent_head_hash", .string(copy.head.hash.hex)),
                    JSONMember("head", number(newHead.sequence.rawValue)),
                    JSONMember("head_hash", .string(newHead.hash.hex)),
                    JSONMember("verdict", .string(restoration.verdict.rawValue)),
                    JSONMember("halted", .bool(restoration.verdict != .current)),
                    JSONMember("bytes", number(UInt64(copy.bytes))),
                ]))
            return
        }
        Output.line(
            "\(path): \(grouped(copy.head.sequence.rawValue)) records, \(bytes(copy.bytes)), verified clean, restored in "
                + seconds.seconds)
        Output.line("log \(restoration.id), child of \(restoration.parent)")
        Output.line("head \(newHead)")
        guard let reason = restoration.haltReason else {
            Output.line("it is current: a head that is known elsewhere is the one that was restored")
            return
        }
        let what =
            restoration.verdict == .behind
            ? "records up to \(restoration.known.last?.sequence ?? .none) are missing"
            : "nothing shows whether records followed the backup"
        Output.line(Output.styled("HALTED", .red) + "  \(reason): \(what); see ops/runbooks/restored.md")
    }
}
