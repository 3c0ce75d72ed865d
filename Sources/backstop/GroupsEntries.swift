import ArgumentParser
import EventLog
import Events
import Records

extension Groups {
    struct Read: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver new entries to a consumer, or show its own unacknowledged ones again.")
        @OptionGroup var target: GroupArguments
        @Argument var consumer: String
        @Option(help: "At most so many entries.")
        var count = 10
        @Flag(help: "The consumer's own pending entries, delivered once more.")
        var own = false
        @Flag(help: "Deliver once and never again: nothing becomes pending.")
        var noAck = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if count < 1 { throw ValidationError("--count must be at least 1") }
            if own && noAck { throw ValidationError("--own and --no-ack exclude each other") }
        }

        func run() throws {
            let name = try target.name()
            try common.withLog(.writing) { log in
                let read = try Groups.found {
                    try log.transact(.group) { [group = target.group, consumer, count, own, noAck] transaction in
                        guard own else {
                            var read = Redelivered()
                            read.delivered = try transaction.readNew(
                                name, group, consumer: consumer, count: count, noAck: noAck)
                            return read
                        }
                        return try transaction.readOwn(name, group, consumer: consumer, after: .zero, count: count)
                    }
                }
                try Shown.print(read, name, log, common)
            }
        }
    }

    struct Pending: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Entries that were delivered and not acknowledged.")
        @OptionGroup var target: GroupArguments
        @Option(help: "Of this consumer only.")
        var consumer: String?
        @Option(help: "Only what was delivered at least so many milliseconds ago.")
        var idle: Int64 = 0
        @Option(help: "From this id on.")
        var from = "0"
        @Option(help: "At most so many entries.")
        var count = 100
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            try common.withLog(.reading) { log in
                let now = log.clock.now()
                let start = try Groups.id(from, "--from", name, log)
                let until = idle > 0 ? Timestamp(nanoseconds: now.nanoseconds - idle * 1_000_000) : nil
                let entries = try Groups.found {
                    try log.snapshot {
                        try $0.pending(
                            name, target.group, start ... .last, consumer: consumer, deliveredUntil: until,
                            limit: count)
                    }
                }
                show(entries, now)
            }
        }

        private func show(_ entries: [PendingEntry], _ now: Timestamp) {
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

    struct Claim: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give pending entries to a consumer, by id.",
            discussion: """
                Roles (router, execution) take over from their dead by themselves. Claim from a living role only
                if you know that it will not finish: an entry would be worked on twice.
                """)
        @OptionGroup var target: GroupArguments
        @Argument var consumer: String
        @Argument var ids: [String]
        @Option(help: "Only what was delivered at least so many milliseconds ago.")
        var idle: Int64 = 0
        @Flag(help: "Also entries that are not pending.")
        var force = false
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            let ids = try Groups.ids(ids)
            try common.withLog(.writing) { log in
                var options = ClaimOptions()
                options.minIdleMilliseconds = idle
                options.force = force
                let claimed = try Groups.found {
                    try log.transact(.group) { [group = target.group, consumer, options] transaction in
                        let claimed = try transaction.claim(name, group, consumer: consumer, ids, options)
                        return try transaction.recordClaim(claimed, name, group, consumer)
                    }
                }
                try Shown.print(claimed, name, log, common)
                let count = Set(ids).count - claimed.delivered.count
                if count > 0 { throw NegativeFinding(text: "\(count) were not claimed") }
            }
        }
    }

    struct AutoClaim: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a consumer what has been pending for long, whoever has it; prints where to go on.")
        @OptionGroup var target: GroupArguments
        @Argument var consumer: String
        @Option(help: "Only what was delivered at least so many milliseconds ago.")
        var idle: Int64 = 60_000
        @Option(help: "From this id on: the cursor of the call before.")
        var from = "0"
        @Option(help: "At most so many entries.")
        var count = 100
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if count < 1 { throw ValidationError("--count must be at least 1") }
        }

        func run() throws {
            let name = try target.name()
            try common.withLog(.writing) { log in
                let start = try Groups.id(from, "--from", name, log)
                var options = ClaimOptions()
                options.minIdleMilliseconds = idle
                let claimed = try Groups.found {
                    try log.transact(.group) { [group = target.group, consumer, count, options] transaction in
                        let claimed = try transaction.autoClaim(
                            name, group, consumer: consumer, from: start, count: count, options)
                        return try transaction.recordClaim(claimed, name, group, consumer)
                    }
                }
                try Shown.print(claimed, name, log, common)
                if common.json {
                    Output.json(.object([JSONMember("cursor", .string(claimed.cursor.description))]))
                } else if claimed.cursor != .zero {
                    Output.line("more may be pending: --from \(claimed.cursor)")
                }
            }
        }
    }

    struct Ack: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Acknowledge entries.")
        @OptionGroup var target: GroupArguments
        @Argument var ids: [String]
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            let parsed = try Groups.ids(ids)
            let count = try common.withLog(.writing) { log in
                try Groups.found {
                    try log.transact(.group) { [group = target.group] transaction in
                        let count = try transaction.acknowledge(name, group, parsed)
                        if count > 0 { try transaction.record(.acknowledged(parsed), name, group) }
                        return count
                    }
                }
            }
            Groups.say("\(count) acknowledged", [JSONMember("acknowledged", number(UInt64(count)))], common)
            if count < parsed.count { throw NegativeFinding(text: "\(parsed.count - count) were not pending") }
        }
    }
}

extension LogTransaction {
    /// What an operator claims is a record.
    fileprivate mutating func recordClaim(
        _ claimed: Redelivered, _ stream: StreamName, _ group: String, _ consumer: String
    ) throws -> Redelivered {
        if !claimed.delivered.isEmpty {
            try record(.claimed(consumer: consumer, claimed.delivered.map(\.entry.id)), stream, group)
        }
        return claimed
    }
}

/// Delivered entries, one a line.
private enum Shown {
    static func print(_ read: Redelivered, _ name: StreamName, _ log: EventLog, _ common: CommonOptions) throws {
        for delivery in read.delivered { try print(delivery, name, log, common) }
        for id in read.dropped where !common.json { Output.line("\(id)  is hidden, and no longer pending") }
        for letter in read.dead where !common.json { Output.line("\(letter.entry.id)  dead letter: \(letter.reason)") }
    }

    private static func print(
        _ delivery: Delivered, _ name: StreamName, _ log: EventLog, _ common: CommonOptions
    ) throws {
        guard let record = try log.snapshot({ try $0.record(delivery.entry.sequence) }) else { return }
        let shown = ShownRecord(record: record, stream: name)
        if common.json {
            guard case .object(let members) = shown.json else { return }
            Output.json(.object(members + [JSONMember("deliveries", number(delivery.deliveryCount))]))
        } else {
            Output.line("\(delivery.entry.id)  delivered \(delivery.deliveryCount)×  \(shown.kind)  \(shown.summary)")
        }
    }
}
