// Random commands on streams and groups, from a seed: few names, so that they meet; ids near the ends of what
// was added; options in every combination. It looks at nothing but its own choices and the ids that were given.

import Records

struct StreamWorkload {
    private var random: SeededGenerator
    private let keys: [String]
    private let groups = ["g1", "g2"]
    private let consumers = ["a", "b", "c"]
    /// Ids that were offered to XADD, a key; some were refused.
    private var added: [String: [EntryID]] = [:]
    private let beganAt: Int64
    private var number = 0

    /// - Parameter beganAt: milliseconds since 1970; what XCLAIM's TIME is told lies long before it.
    init(seed: UInt64, keys: [String], beganAt: Int64) {
        random = SeededGenerator(seed: seed)
        self.keys = keys
        self.beganAt = beganAt
    }

    mutating func next() -> StreamCommand {
        number += 1
        let (key, group, consumer) = (any(keys), any(groups), any(consumers))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<24: return add(key)
        case 24..<27: return .delete(key, ids(key, 1...4))
        case 27..<29: return .trim(key, trim(key))
        case 29..<31:
            let (a, b) = (id(key), id(key))
            let count = chance(3) ? nil : Int.random(in: 1...20, using: &random)
            return .range(key, min(a, b), chance(4) ? .last : max(a, b), count: count, reversed: chance(2))
        case 31:
            return chance(2) ? .length(key) : .read(key, after: id(key), count: Int.random(in: 1...9, using: &random))
        case 32..<36: return .create(key, group, at: place(key), makeStream: !chance(5), entriesRead: entriesRead())
        case 36..<38: return .setID(key, group, to: place(key), entriesRead: entriesRead())
        case 38: return chance(3) ? .destroy(key, group) : .createConsumer(key, group, consumer)
        case 39: return .deleteConsumer(key, group, consumer)
        case 40..<58:
            let count = chance(6) ? nil : Int.random(in: 1...12, using: &random)
            return .readGroup(key, group, consumer, from: .new, count: count, noAck: chance(6))
        case 58..<64:
            let count = chance(4) ? nil : Int.random(in: 1...8, using: &random)
            return .readGroup(
                key, group, consumer, from: .own(after: chance(2) ? .zero : id(key)), count: count, noAck: false)
        case 64..<74: return .acknowledge(key, group, ids(key, 1...6))
        case 74..<76: return .pending(key, group)
        case 76..<80:
            let range = chance(2) ? (EntryID.zero, EntryID.last) : (id(key), EntryID.last)
            return .pendingEntries(
                key, group, idle: chance(2) ? any([0, 500_000, 2_500_000]) : nil, range.0, range.1,
                count: Int.random(in: 0...20, using: &random), consumer: chance(3) ? consumer : nil)
        case 80..<88: return .claim(key, group, consumer, ids(key, 1...5), claimArguments(key))
        case 88..<95:
            return .autoClaim(
                key, group, consumer, minIdle: any([0, 0, 500_000, 2_500_000]), from: chance(2) ? .zero : id(key),
                count: Int.random(in: 1...6, using: &random), justID: chance(4))
        case 95..<97: return .groups(key)
        default: return .consumers(key, group)
        }
    }

    // MARK: Parts

    private mutating func any<T>(_ items: [T]) -> T { items[Int.random(in: 0..<items.count, using: &random)] }

    /// One time in `n`.
    private mutating func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &random) == 0 }

    private mutating func add(_ key: String) -> StreamCommand {
        let last = added[key]?.last ?? .zero
        let value = "\(number)"
        let trim = chance(12) ? self.trim(key) : nil
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return .add(key, id: "\(id(key))", value: value, trim: trim)
        case 1: return .add(key, id: "0-0", value: value, trim: trim)
        case 2:
            let milliseconds = last.milliseconds + UInt64.random(in: 0...2, using: &random)
            // The counter is Redis' own choice, and predictable: it must not be in the list before it is.
            return .add(key, id: "\(milliseconds)-*", value: value, trim: trim)
        default:
            let step = UInt64.random(in: 0...3, using: &random)
            let id =
                step == 0
                ? EntryID(last.milliseconds, last.counter + UInt64.random(in: 1...3, using: &random))
                : EntryID(last.milliseconds + step, UInt64.random(in: 0...2, using: &random))
            return .add(key, id: "\(id)", value: value, trim: trim)
        }
    }

    /// What XADD answered.
    mutating func note(_ key: String, _ id: String) {
        guard let id = EntryID(id) else { return }
        added[key, default: []].append(id)
    }

    private mutating func id(_ key: String) -> EntryID {
        guard let all = added[key], !all.isEmpty, !chance(15) else {
            return EntryID(UInt64.random(in: 0...60, using: &random), UInt64.random(in: 0...2, using: &random))
        }
        // Mostly of the newest: there groups, pending entries and ends of streams meet.
        let span = chance(3) ? all.count : min(all.count, 40)
        return all[all.count - 1 - Int.random(in: 0..<span, using: &random)]
    }

    private mutating func ids(_ key: String, _ count: ClosedRange<Int>) -> [EntryID] {
        (0..<Int.random(in: count, using: &random)).map { _ in id(key) }
    }

    private mutating func trim(_ key: String) -> StreamCommand.Trim {
        chance(2) ? .length(Int.random(in: 0...120, using: &random)) : .before(id(key))
    }

    private mutating func place(_ key: String) -> String {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: "0"
        case 1: "$"
        default: "\(id(key))"
        }
    }

    private mutating func entriesRead() -> Int64? { chance(4) ? Int64.random(in: 0...50, using: &random) : nil }

    private mutating func claimArguments(_ key: String) -> StreamCommand.ClaimArguments {
        var arguments = StreamCommand.ClaimArguments()
        arguments.minIdle = any([0, 0, 0, 500_000, 2_500_000])
        if chance(4) { arguments.idle = any([0, 1_000_000, 5_000_000]) }
        if chance(6) { arguments.time = beganAt - any([1_000_000, 3_000_000]) }
        if chance(4) { arguments.retryCount = UInt64.random(in: 0...9, using: &random) }
        arguments.force = chance(3)
        arguments.justID = chance(4)
        if chance(8) { arguments.lastID = id(key) }
        return arguments
    }
}
