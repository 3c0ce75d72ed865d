// Commands on plain values, as far as suites for streams need them: strings, lists, sets, hashes; nothing with a time.
// Pure: the old value in, a reply and perhaps a new value out.

import RespServer

struct ValueCommands {
    private let words: Words
    private let old: ScratchValue?
    private(set) var changed: ScratchValue?

    init(_ words: Words, _ old: ScratchValue?) {
        self.words = words
        self.old = old
    }

    // MARK: The kinds

    private func string() throws(RespError) -> [UInt8]? {
        guard let old else { return nil }
        guard case .string(let bytes) = old else { throw .wrongType }
        return bytes
    }

    private func list() throws(RespError) -> [[UInt8]] {
        guard let old else { return [] }
        guard case .list(let items) = old else { throw .wrongType }
        return items
    }

    private func set() throws(RespError) -> [[UInt8]] {
        guard let old else { return [] }
        guard case .set(let members) = old else { throw .wrongType }
        return members
    }

    private func hash() throws(RespError) -> [(name: [UInt8], value: [UInt8])] {
        guard let old else { return [] }
        guard case .hash(let members) = old else { throw .wrongType }
        return members
    }

    // MARK: Reading

    func read(_ name: String) throws(RespError) -> RespValue {
        switch name {
        case "get": return try string().map { .bulk($0) } ?? .null
        case "llen": return .integer(Int64(try list().count))
        case "lrange": return try range()
        case "scard": return .integer(Int64(try set().count))
        case "smembers": return .set(try set().map { .bulk($0) })
        case "hget": return try hash().first { $0.name == words[2] }.map { .bulk($0.value) } ?? .null
        case "hexists": return .integer(try hash().contains { $0.name == words[2] } ? 1 : 0)
        case "hgetall": return .map(try hash().map { (.bulk($0.name), .bulk($0.value)) })
        default: preconditionFailure("\(name) reads no value")
        }
    }

    private func range() throws(RespError) -> RespValue {
        let (first, last) = (try words.integer(2), try words.integer(3))
        let items = try list()
        let count = Int64(items.count)
        let from = max(0, first < 0 ? max(0, count + first) : first)
        let to = min(count - 1, last < 0 ? count + last : last)
        return .array(from <= to ? items[Int(from)...Int(to)].map { .bulk($0) } : [])
    }

    // MARK: Writing

    mutating func write(_ name: String, isThere: Bool) throws(RespError) -> RespValue {
        switch name {
        case "set": return try set(isThere: isThere)
        case "incr": return try increase(by: 1)
        case "incrby": return try increase(by: try words.integer(2))
        case "lpush": return push(words.all.dropFirst(2).reversed() + (try list()))
        case "rpush": return push(try list() + words.all.dropFirst(2))
        case "sadd":
            var members = try set()
            let before = members.count
            for member in words.all.dropFirst(2) where !members.contains(member) { members.append(member) }
            if members.count > before { changed = .set(members) }
            return .integer(Int64(members.count - before))
        case "hset": return try setMembers()
        default: preconditionFailure("\(name) writes no value")
        }
    }

    private mutating func push(_ items: [[UInt8]]) -> RespValue {
        changed = .list(items)
        return .integer(Int64(items.count))
    }

    private mutating func set(isThere: Bool) throws(RespError) -> RespValue {
        var (onlyNew, onlyOld, givesOld) = (false, false, false)
        var place = 3
        while place < words.count {
            if words.word(place, is: "nx"), !onlyOld {
                onlyNew = true
            } else if words.word(place, is: "xx"), !onlyNew {
                onlyOld = true
            } else if words.word(place, is: "get") {
                givesOld = true
            } else if words.word(place, is: "ex") || words.word(place, is: "px"), words.after(place) > 0 {
                let time = try words.integer(place + 1)
                throw RespError(
                    time > 0 ? "resp-scratch knows no keys with a time" : "invalid expire time in 'set' command")
            } else {
                throw .syntax
            }
            place += 1
        }
        var reply = RespValue.ok
        if givesOld {
            if isThere, old == nil { throw .wrongType }
            reply = try string().map { .bulk($0) } ?? .null
        }
        if onlyNew && isThere || onlyOld && !isThere { return givesOld ? reply : .null }
        changed = .string(words[2])
        return reply
    }

    private mutating func increase(by step: Int64) throws(RespError) -> RespValue {
        var number: Int64 = 0
        if let bytes = try string() {
            guard let known = Int64(String(decoding: bytes, as: UTF8.self)) else { throw .notAnInteger }
            number = known
        }
        let (sum, overflows) = number.addingReportingOverflow(step)
        if overflows { throw RespError("increment or decrement would overflow") }
        changed = .string(Array("\(sum)".utf8))
        return .integer(sum)
    }

    private mutating func setMembers() throws(RespError) -> RespValue {
        guard words.count.isMultiple(of: 2) else { throw .arity("hset") }
        var members = try hash()
        var added: Int64 = 0
        for place in stride(from: 2, to: words.count, by: 2) {
            if let known = members.firstIndex(where: { $0.name == words[place] }) {
                members[known].value = words[place + 1]
            } else {
                members.append((words[place], words[place + 1]))
                added += 1
            }
        }
        changed = .hash(members)
        return .integer(added)
    }
}
