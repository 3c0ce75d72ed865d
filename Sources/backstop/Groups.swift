import ArgumentParser
import EventLog
import Events
import Foundation
import Records

struct Groups: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and change consumer groups: offsets, consumers, pending entries, dead letters.",
        discussion: """
            Groups work as those of Redis Streams do: an entry is delivered to one consumer and stays pending
            with it until it is acknowledged; all of it survives a crash. Every change made here is a record
            (backstop query --kind group.changed). An entry that was delivered too often without being
            acknowledged becomes a dead letter, where the group says so.

            Examples:
              backstop groups
              backstop groups create system:panic_close audit_logger --after '$'
              backstop groups read system:panic_close audit_logger me --count 10
              backstop groups pending system:panic_close audit_logger --idle 60000
              backstop groups ack system:panic_close audit_logger 1763818338282-0
              backstop groups auto-claim system:panic_close audit_logger me --idle 60000
              backstop groups dead system:panic_close audit_logger
            """,
        subcommands: [
            List.self, Create.self, SetID.self, DeadAfter.self, Destroy.self, Consumers.self, CreateConsumer.self,
            DeleteConsumer.self, Read.self, Pending.self, Claim.self, AutoClaim.self, Ack.self, Dead.self,
        ], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "All groups with lag, pending entries and dead letters.")
        @OptionGroup var common: CommonOptions

        func run() throws {
            try common.withLog(.reading) { log in
                let groups = try log.snapshot { try $0.groups() }
                if common.json { groups.forEach { Output.json($0.json) } } else { GroupTable.print(groups) }
            }
        }
    }
}

/// Which group a command is about.
struct GroupArguments: ParsableArguments {
    @Argument(help: "The stream's name, or an alias of it.")
    var stream: String
    @Argument(help: "The group's name.")
    var group: String

    func name() throws -> StreamName { try StreamCatalogue.resolve(stream) }
}

extension Groups {
    /// One id, or `$` for the stream's last.
    static func id(_ text: String, _ option: String, _ stream: StreamName, _ log: EventLog) throws -> EntryID {
        if text == "$" { return try log.snapshot { try $0.stream(stream)?.lastID ?? .zero } }
        guard let id = EntryID(text) else {
            throw CannotRun("\(option) \(text): an entry id is needed, as 1763818338282-0")
        }
        return id
    }

    static func ids(_ texts: [String]) throws -> [EntryID] {
        try texts.map { text in
            guard let id = EntryID(text) else {
                throw CannotRun("\(text) is no entry id; one looks like 1763818338282-0")
            }
            return id
        }
    }

    /// One line for people, or one JSON object.
    static func say(_ text: String, _ members: [JSONMember], _ common: CommonOptions) {
        if common.json { Output.json(.object(members)) } else { Output.line(text) }
    }

    /// A group that is there already is a negative finding; one that is missing cannot be worked on.
    static func found<R>(_ body: () throws -> R) throws -> R {
        do { return try body() } catch let error as LogError {
            guard case .groupAlreadyThere = error else { throw error }
            throw NegativeFinding(text: error.description)
        }
    }
}

enum GroupTable {
    static func print(_ groups: [GroupSummary]) {
        guard !groups.isEmpty else {
            Output.line("groups     none")
            return
        }
        var table = Table([
            ("STREAM", .left), ("GROUP", .left), ("LAG", .right), ("PENDING", .right), ("DEAD", .right),
            ("CONSUMERS", .right),
            ("LAST DELIVERED", .left),
        ])
        for group in groups {
            table.add([
                group.stream.text, group.group, grouped(group.lag), grouped(group.pending), grouped(group.deadLetters),
                grouped(group.consumers.count), group.lastDeliveredID.description,
            ])
        }
        Output.line("groups")
        table.print(indent: "  ")
    }
}

extension GroupSummary {
    var json: JSONValue {
        .object([
            JSONMember("stream", .string(stream.text)), JSONMember("group", .string(group)),
            JSONMember("lag", number(lag)), JSONMember("pending", number(pending)),
            JSONMember("dead_letters", number(deadLetters)), JSONMember("dead_after", number(options.deadAfter)),
            JSONMember("last_delivered_id", .string(lastDeliveredID.description)),
            JSONMember("redis_lag", redisLag.map { .number(String($0)) } ?? .null),
            JSONMember("entries_read", entriesRead.map { .number(String($0)) } ?? .null),
            JSONMember("smallest_pending_id", smallestPendingID.map { .string($0.description) } ?? .null),
            JSONMember("largest_pending_id", largestPendingID.map { .string($0.description) } ?? .null),
            JSONMember(
                "consumers",
                .array(consumers.map(\.json))),
        ])
    }
}

extension GroupSummary.Consumer {
    var json: JSONValue {
        .object([
            JSONMember("name", .string(name)), JSONMember("pending", number(pending)),
            JSONMember("seen_at", .string(TimeText.render(seenAt))), JSONMember("deleted", .bool(isDeleted)),
        ])
    }
}
