// What the processes of a round said, outside the log: what they were told, what they held, what they
// acknowledged. A line without an end was cut off by a kill and counts as not said.

struct KillJournal {
    /// Key → the sequences that appenders were told for it.
    private(set) var told: [String: Set<Int>] = [:]
    /// Entry → who held it, and the log's head when it was delivered.
    private(set) var held: [Int: [(consumer: String, head: Int)]] = [:]
    /// Entry → the records that consumers say they produced for it.
    private(set) var done: [Int: [Int]] = [:]
    /// Entries that were delivered although they had their record.
    private(set) var again: [Int] = []

    mutating func add(appender output: String) throws {
        for line in KillJournal.whole(output) {
            let words = line.split(separator: " ")
            guard words.first == "told" else { throw Trouble("an appender said: \(line)") }
            for word in words.dropFirst() {
                let parts = word.split(separator: "=")
                guard parts.count == 2, let sequence = Int(parts[1]) else { throw Trouble("an appender said: \(line)") }
                told[String(parts[0]), default: []].insert(sequence)
            }
        }
    }

    /// The answers of `append --json`, one for each line of the import.
    mutating func add(keys: [String], answers: [[String: Any]]) throws {
        guard keys.count == answers.count else { throw Trouble("\(keys.count) lines, \(answers.count) answers") }
        for (key, answer) in zip(keys, answers) {
            guard let sequence = answer["seq"] as? Int else { throw Trouble("no sequence: \(answer)") }
            told[key, default: []].insert(sequence)
        }
    }

    mutating func add(consumer pid: Int32, output: String) throws {
        for line in KillJournal.whole(output) {
            let words = line.split(separator: " ")
            switch words.first {
            case "listening": continue
            case "held":
                let numbers = words.dropFirst().compactMap { Int($0) }
                guard numbers.count == words.count - 1, let head = numbers.first else {
                    throw Trouble("a consumer said: \(line)")
                }
                for entry in numbers.dropFirst() { held[entry, default: []].append(("desk-\(pid)", head)) }
            case "done":
                for word in words.dropFirst() {
                    let parts = word.split(separator: "=").compactMap { Int($0) }
                    guard parts.count == 2 else { throw Trouble("a consumer said: \(line)") }
                    done[parts[0], default: []].append(parts[1])
                }
            case "again": again += words.dropFirst().compactMap { Int($0) }
            default: throw Trouble("a consumer said: \(line)")
            }
        }
    }

    private static func whole(_ output: String) -> [Substring] {
        guard let end = output.lastIndex(of: "\n") else { return [] }
        return output[...end].split(separator: "\n")
    }
}
