// What INFO says under Errorstats and Commandstats, in Redis' form.

struct Statistics {
    private struct Calls {
        var done: Int64 = 0
        var microseconds: Int64 = 0
        var refused: Int64 = 0
        var failed: Int64 = 0
    }
    private var errors: [String: Int64] = [:]
    private var commands: [String: Calls] = [:]

    mutating func ran(_ command: String, microseconds: Int64, isFailed: Bool) {
        commands[command, default: Calls()].done += 1
        commands[command, default: Calls()].microseconds += microseconds
        if isFailed { commands[command, default: Calls()].failed += 1 }
    }

    mutating func failedBlocked(_ command: String) { commands[command, default: Calls()].failed += 1 }

    mutating func refused(_ command: String?) {
        if let command { commands[command, default: Calls()].refused += 1 }
    }

    mutating func failed(_ text: String) {
        errors[String(text.prefix { $0 != " " }), default: 0] += 1
    }

    var errorLines: [(String, String)] {
        errors.sorted { $0.key < $1.key }.map { ("errorstat_\($0.key)", "count=\($0.value)") }
    }

    var commandLines: [(String, String)] {
        commands.sorted { $0.key < $1.key }.map { name, calls in
            let hundredths = calls.done > 0 ? calls.microseconds * 100 / calls.done : 0
            let rest = hundredths % 100
            let each = "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
            return (
                "cmdstat_\(name)",
                "calls=\(calls.done),usec=\(calls.microseconds),usec_per_call=\(each),rejected_calls=\(calls.refused),failed_calls=\(calls.failed)"
            )
        }
    }
}
