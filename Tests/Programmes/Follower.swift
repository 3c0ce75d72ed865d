// Records of one kind, as `backstop query --follow` tells them.

/// `query --follow` of one kind: each record as it comes.
final class Follower {
    private let process: RunningProgram
    private var seen: Set<String> = []

    init(_ log: TradingLog, _ kind: String) throws {
        process = try log.start(["query", "--follow", "--kind", kind, "--limit", "0", "--json"], piped: .output)
    }

    private func next() throws -> Row {
        guard let line = try process.answers?.next() else { throw Trouble("a follower ended: \(process.errors)") }
        return try Row(line)
    }

    /// The next one that is so; those before it are passed over.
    func wait(_ isIt: (Row) -> Bool) throws -> Row {
        while true {
            let row = try next()
            if isIt(row) { return row }
        }
    }

    /// Until one of that name has been seen, now or before.
    func wait(for name: String, _ nameOf: (Row) -> String) throws {
        while !seen.contains(name) { seen.insert(nameOf(try next())) }
    }
}
