import ArgumentParser
import EventLog
import Events
import Records

extension Groups {
    struct Dead: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Dead letters: entries that nobody could finish. Show them, retry them, drop them.",
            discussion: """
                Examples:
                  backstop groups dead trade.intent execution
                  backstop groups dead trade.intent execution --retry 1763818338282-0 --consumer me
                  backstop groups dead trade.intent execution --drop 1763818338282-0
                  backstop groups dead trade.intent execution --bury 1763818338282-0 --reason "symbol is gone"
                """)
        @OptionGroup var target: GroupArguments
        @Option(help: "Make this dead letter pending again, with --consumer. May be repeated.")
        var retry: [String] = []
        @Option(help: "Who gets what is retried.")
        var consumer: String?
        @Option(help: "Give this dead letter up. May be repeated.")
        var drop: [String] = []
        @Option(help: "Make this pending entry a dead letter, with --reason. May be repeated.")
        var bury: [String] = []
        @Option(help: "Why it is buried.")
        var reason: String?
        @Option(help: "At most so many.")
        var count = 100
        @OptionGroup var common: CommonOptions

        func validate() throws {
            let asked = [retry, drop, bury].filter { !$0.isEmpty }.count
            if asked > 1 { throw ValidationError("--retry, --drop and --bury exclude each other") }
            if !retry.isEmpty, consumer == nil { throw ValidationError("--retry needs --consumer NAME") }
            if !bury.isEmpty, reason == nil { throw ValidationError("--bury needs --reason TEXT") }
        }

        func run() throws {
            let name = try target.name()
            if retry.isEmpty, drop.isEmpty, bury.isEmpty { return try show(name) }
            let ids = try Groups.ids(retry + drop + bury)
            let count = try common.withLog(.writing) { log in
                try Groups.found { try log.transact(.group) { [self] in try change(name, ids, &$0) } }
            }
            let what = !retry.isEmpty ? "retried" : !drop.isEmpty ? "dropped" : "buried"
            Groups.say("\(count) \(what)", [JSONMember(what, number(UInt64(count)))], common)
            if count < Set(ids).count {
                throw NegativeFinding(
                    text: "\(Set(ids).count - count) were not \(bury.isEmpty ? "dead letters" : "pending")")
            }
        }

        private func change(_ name: StreamName, _ ids: [EntryID], _ transaction: inout LogTransaction) throws -> Int {
            if !retry.isEmpty {
                return try transaction.retryDeadLetters(name, target.group, ids, consumer: consumer ?? "")
            }
            if !drop.isEmpty { return try transaction.dropDeadLetters(name, target.group, ids) }
            return try transaction.bury(name, target.group, ids, reason: reason ?? "").count
        }

        private func show(_ name: StreamName) throws {
            try common.withLog(.reading) { log in
                let letters = try Groups.found {
                    try log.snapshot { try $0.deadLetters(name, target.group, .zero ... .last, limit: count) }
                }
                if common.json { return letters.forEach { Output.json($0.json) } }
                var table = Table([
                    ("ID", .left), ("SEQ", .right), ("LAST WITH", .left), ("DELIVERIES", .right), ("DIED", .left),
                    ("REASON", .left),
                ])
                for letter in letters {
                    table.add([
                        letter.entry.id.description, "\(letter.entry.sequence)", letter.consumer,
                        "\(letter.deliveryCount)", TimeText.render(letter.diedAt), letter.reason,
                    ])
                }
                if table.isEmpty { Output.line("no dead letters") } else { table.print() }
            }
        }
    }
}

extension DeadLetter {
    fileprivate var json: JSONValue {
        .object([
            JSONMember("id", .string(entry.id.description)), JSONMember("seq", number(entry.sequence.rawValue)),
            JSONMember("consumer", .string(consumer)), JSONMember("deliveries", number(deliveryCount)),
            JSONMember("died_at", .string(TimeText.render(diedAt))), JSONMember("reason", .string(reason)),
        ])
    }
}
