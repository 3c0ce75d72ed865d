// CONFIG GET, SET and HELP. One parameter has an effect, the node size that `~` trims by; the others are shown because
// suites ask for them, and take only the value that they have.

import RespServer

struct Configuration {
    private(set) var streamNodeEntries = 100

    private static let fixed = [
        ("appendonly", "yes"), ("databases", "16"), ("maxmemory", "0"), ("maxmemory-policy", "noeviction"),
        ("save", ""), ("stream-node-max-bytes", "4096"), ("timeout", "0"),
    ]
    private static let nodeEntries = "stream-node-max-entries"

    private var all: [(name: String, value: String)] {
        (Configuration.fixed.map { (name: $0.0, value: $0.1) } + [(Configuration.nodeEntries, "\(streamNodeEntries)")])
            .sorted { $0.name < $1.name }
    }

    mutating func answer(_ words: Words) throws(RespError) -> RespValue {
        switch words.lower(1) {
        case "get":
            let patterns = (2..<words.count).map { Array(words.lower($0).utf8) }
            return .map(
                all.filter { one in patterns.contains { GlobPattern.matches($0, Array(one.name.utf8)) } }
                    .map { (.text($0.name), .text($0.value)) })
        case "set": return try set(words)
        default:
            return .array(
                [
                    "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                    "GET <pattern>", "    Return parameters matching the glob-like <pattern> and their values.",
                    "SET <directive> <value>", "    Set the configuration <directive> to <value>.",
                    "RESETSTAT", "    Reset statistics reported by the INFO command.",
                    "HELP", "    Prints this help.",
                ].map { .simple($0) })
        }
    }

    /// All or nothing.
    private mutating func set(_ words: Words) throws(RespError) -> RespValue {
        guard words.count.isMultiple(of: 2) else { throw .arity("config|set") }
        var (seen, entries): (Set<String>, Int) = ([], streamNodeEntries)
        for place in stride(from: 2, to: words.count, by: 2) {
            let name = words.lower(place)
            guard let known = all.first(where: { $0.name == name }) else {
                throw RespError("Unknown option or number of arguments for CONFIG SET - '\(words.text(place))'")
            }
            func fails(_ why: String) -> RespError {
                RespError("CONFIG SET failed (possibly related to argument '\(words.text(place))') - \(why)")
            }
            guard seen.insert(name).inserted else { throw fails("duplicate parameter") }
            guard name == Configuration.nodeEntries else {
                guard words.text(place + 1) == known.value else { throw fails("resp-scratch cannot change it") }
                continue
            }
            let number = try words.integer(place + 1, fails("argument couldn't be parsed into an integer"))
            guard number >= 0 else { throw fails("argument must be between 0 and 9223372036854775807 inclusive") }
            entries = Int(clamping: number)
        }
        streamNodeEntries = entries
        return .ok
    }
}
