import ArgumentParser
import EventLog
import Events
import Records

extension Groups {
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a group; it delivers what comes after an id.")
        @OptionGroup var target: GroupArguments
        @Option(help: "Deliver the entries after this id; $ for those that are still to come.")
        var after = "0"
        @Option(help: "Entries delivered so often and never acknowledged become dead letters; 0: never.")
        var deadAfter: UInt64 = 0
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            try common.withLog(.writing) { log in
                let start = try Groups.id(after, "--after", name, log)
                let options = GroupOptions(deadAfter: deadAfter, readsHidden: false)
                try Groups.found {
                    try log.transact(.group) { [group = target.group] in
                        try $0.createGroup(name, group, after: start, options: options)
                    }
                }
            }
            Groups.say("made group \(target.group)", [JSONMember("created", .bool(true))], common)
        }
    }

    struct SetID: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set-id", abstract: "Move a group's offset: what comes after the id is delivered (again).")
        @OptionGroup var target: GroupArguments
        @Argument(help: "An entry id; 0 for the beginning, $ for the end.")
        var id: String
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            let set = try common.withLog(.writing) { log in
                let id = try Groups.id(id, "the id", name, log)
                try Groups.found {
                    try log.transact(.group) { [group = target.group] in try $0.setID(name, group, to: id) }
                }
                return id
            }
            Groups.say(
                "group \(target.group) delivers what comes after \(set)",
                [JSONMember("last_delivered_id", .string(set.description))], common)
        }
    }

    struct DeadAfter: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say after how many deliveries an entry becomes a dead letter; 0: never.")
        @OptionGroup var target: GroupArguments
        @Argument var deliveries: UInt64
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            try common.withLog(.writing) { log in
                try Groups.found {
                    try log.transact(.group) { [group = target.group, deliveries] in
                        try $0.setDeadAfter(name, group, deliveries: deliveries)
                    }
                }
            }
            let what = deliveries == 0 ? "never" : "after \(deliveries) deliveries"
            Groups.say("entries become dead letters \(what)", [JSONMember("dead_after", number(deliveries))], common)
        }
    }

    struct Destroy: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a group with its offset, pending entries and dead letters. The entries stay.")
        @OptionGroup var target: GroupArguments
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            let isDestroyed = try common.withLog(.writing) { log in
                try Groups.found {
                    try log.transact(.group) { [group = target.group] in try $0.destroyGroup(name, group) }
                }
            }
            guard isDestroyed else { throw NegativeFinding(text: "no consumer group \(target.group) on \(name)") }
            Groups.say("destroyed group \(target.group)", [JSONMember("destroyed", .bool(true))], common)
        }
    }

    struct Consumers: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "A group's consumers, with what is pending with each.")
        @OptionGroup var target: GroupArguments
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            try common.withLog(.reading) { log in
                let group = try Groups.found { try log.snapshot { try $0.group(name, target.group) } }
                if common.json { return group.consumers.forEach { Output.json($0.json) } }
                var table = Table([("CONSUMER", .left), ("PENDING", .right), ("SEEN", .left), ("", .left)])
                for consumer in group.consumers {
                    table.add([
                        consumer.name, grouped(consumer.pending), TimeText.render(consumer.seenAt),
                        consumer.isDeleted ? "deleted; claim what it has: groups auto-claim" : "",
                    ])
                }
                if table.isEmpty { Output.line("no consumers") } else { table.print() }
            }
        }
    }

    struct CreateConsumer: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a consumer before its first read.")
        @OptionGroup var target: GroupArguments
        @Argument var consumer: String
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            let isNew = try common.withLog(.writing) { log in
                try Groups.found {
                    try log.transact(.group) { [group = target.group, consumer] in
                        try $0.createConsumer(name, group, consumer)
                    }
                }
            }
            guard isNew else { throw NegativeFinding(text: "consumer \(consumer) is already there") }
            Groups.say("made consumer \(consumer)", [JSONMember("created", .bool(true))], common)
        }
    }

    struct DeleteConsumer: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a consumer; what it had stays pending under its name until it is claimed.")
        @OptionGroup var target: GroupArguments
        @Argument var consumer: String
        @Flag(help: "Drop what it had, as Redis does: nobody will ever get those entries again.")
        var dropEntries = false
        @OptionGroup var common: CommonOptions

        func run() throws {
            let name = try target.name()
            let pending = try common.withLog(.writing) { log in
                try Groups.found {
                    try log.transact(.group) { [group = target.group, consumer, dropEntries] in
                        try $0.deleteConsumer(name, group, consumer, entries: dropEntries ? .dropped : .kept)
                    }
                }
            }
            let what = dropEntries ? "dropped" : "kept; claim them with: groups auto-claim"
            Groups.say(
                "deleted consumer \(consumer)" + (pending > 0 ? ", \(pending) pending entries \(what)" : ""),
                [JSONMember("pending", number(pending)), JSONMember("entries_kept", .bool(!dropEntries))], common)
        }
    }
}
