import ArgumentParser
import EventLog
import Events
import Foundation
import Records

struct Groups: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and use consumer groups: list, create, read, pending, ack.",
        discussion: """
            Groups work as those of Redis Streams do: an entry is delivered to one consumer and stays pending
            with it until it is acknowledged; all of it survives a crash.

            Examples:
              backstop groups
              backstop groups create system:panic_close audit_logger
              backstop groups read system:panic_close audit_logger me --count 10
              backstop groups pending system:panic_close audit_logger
              backstop groups ack system:panic_close audit_logger 1763818338282-0
            """,
        subcommands: [List.self, Create.self, Read.self, Pending.self, Ack.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All groups with lag and pending entries.")
        @OptionGroup var common: CommonOptions

        func run() throws {
            try common.withLog(.reading) { log in
                let groups = try log.snapshot { try $0.groups() }
                if common.json { groups.forEach { Output.json($0.json) } } else { GroupTable.print(groups) }
            }
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a group; it delivers what comes after an id.")
        @Argument var stream: String
        @Argument var group: String
        @Option(help: "Deliver the entries after this id; $ for those that are still to come.")
        var after = "0"
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try StreamCatalogue.resolve(stream)
            try common.withLog(.writing) { log in
                let start = try startID(name, log)
                do { try log.transact(.group) { [group] in try $0.createGroup(name, group, after: start) } } catch let
                    error as LogError
                {
                    guard case .groupAlreadyThere = error else { throw error }
                    throw NegativeFinding(text: error.description)
                }
            }
            if common.json {
                Output.json(.object([JSONMember("created", .bool(true))]))
            } else {
                Output.line("made group \(group)")
            }
        }

        private func startID(_ name: StreamName, _ log: EventLog) throws -> EntryID {
            if after == "$" { return try log.snapshot { try $0.stream(name)?.lastID ?? .zero } }
            guard let id = EntryID(after) else {
                throw CannotRun("--after \(after): an entry id is needed, as 1763818338282-0")
            }
            return id
        }
    }

    struct Read: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver new entries to a consumer, or show its own unacknowledged ones again.")
        @Argument var stream: String
        @Argument var group: String
        @Argument var consumer: String
        @Option(help: "At most so many entries.")
        var count = 10
        @Flag(help: "The consumer's own pending entries, delivered once more.")
        var own = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if count < 1 { throw ValidationError("--count must be at least 1") }
        }

        func run() throws {
            let name = try StreamCatalogue.resolve(stream)
            try common.withLog(.writing) { log in
                let delivered = try log.transact(.group) { [group, consumer, count, own] transaction in
                    own
                        ? try transaction.readOwn(name, group, consumer: consumer, after: .zero, count: count)
                        : try transaction.readNew(name, group, consumer: consumer, count: count)
                }
                for delivery in delivered { try show(delivery, name, log) }
            }
        }

        private func show(_ delivery: Delivered, _ name: StreamName, _ log: EventLog) throws {
            guard let record = try log.snapshot({ try $0.record(delivery.entry.sequence) }) else { return }
            let shown = ShownRecord(record: record, stream: name)
            if common.json {
                guard case .object(let members) = shown.json else { return }
                Output.json(.object(members + [JSONMember("deliveries", number(delivery.deliveryCount))]))
            } else {
                Output.line(
                    "\(delivery.entry.id)  delivered \(delivery.deliveryCount)×  \(shown.kind)  \(shown.summary)")
            }
        }
    }

    struct Pending: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Entries that were delivered and not acknowledged.")
        @Argument var stream: String
        @Argument var group: String
        @Option(help: "Of this consumer only.")
        var consumer: String?
        @Option(help: "At most so many entries.")
        var count = 100
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try StreamCatalogue.resolve(stream)
            try common.withLog(.reading) { log in
                let entries = try log.snapshot {
                    try $0.pending(name, group, .zero ... .last, consumer: consumer, limit: count)
                }
                let now = log.clock.now()
                var table = Table([("ID", .left), ("CONSUMER", .left), ("IDLE", .right), ("DELIVERIES", .right)])
                for entry in entries {
                    let idle = max(0, now.milliseconds - entry.deliveredAt.milliseconds)
                    if common.json {
                        Output.json(
                            .object([
                                JSONMember("id", .string(entry.id.description)),
                                JSONMember("consumer", .string(entry.consumer)),
                                JSONMember("idle_ms", number(UInt64(idle))),
                                JSONMember("deliveries", number(entry.deliveryCount)),
                            ]))
                    } else {
                        table.add([entry.id.description, entry.consumer, "\(idle) ms", "\(entry.deliveryCount)"])
                    }
                }
                if common.json { return }
                if table.isEmpty { Output.line("nothing is pending") } else { table.print() }
            }
        }
    }

    struct Ack: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Acknowledge entries.")
        @Argument var stream: String
        @Argument var group: String
        @Argument var ids: [String]
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try StreamCatalogue.resolve(stream)
            let parsed = try ids.map { text in
                guard let id = EntryID(text) else {
                    throw CannotRun("\(text) is no entry id; one looks like 1763818338282-0")
                }
                return id
            }
            let count = try common.withLog(.writing) { log in
                try log.transact(.group) { [group] in try $0.acknowledge(name, group, parsed) }
            }
            if common.json {
                Output.json(.object([JSONMember("acknowledged", number(UInt64(count)))]))
            } else {
                Output.line("\(count) acknowledged")
            }
            if count < parsed.count { throw NegativeFinding(text: "\(parsed.count - count) were not pending") }
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
            ("STREAM", .left), ("GROUP", .left), ("LAG", .right), ("PENDING", .right), ("CONSUMERS", .right),
            ("LAST DELIVERED", .left),
        ])
        for group in groups {
            table.add([
                group.stream.text, group.group, grouped(group.lag), grouped(group.pending),
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
            JSONMember("last_delivered_id", .string(lastDeliveredID.description)),
            JSONMember("entries_read", entriesRead < 0 ? .null : .number(String(entriesRead))),
            JSONMember("smallest_pending_id", smallestPendingID.map { .string($0.description) } ?? .null),
            JSONMember("largest_pending_id", largestPendingID.map { .string($0.description) } ?? .null),
            JSONMember(
                "consumers",
                .array(
                    consumers.map {
                        .object([
                            JSONMember("name", .string($0.name)), JSONMember("pending", number($0.pending)),
                            JSONMember("seen_at", .string(TimeText.render($0.seenAt))),
                        ])
                    })),
        ])
    }
}
