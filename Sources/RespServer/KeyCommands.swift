// Commands on keys: what is there, of which type; the halt hash and string; the dedup keys of intents. What would set
// a virtual key to something that the log does not say is refused.

internal import EventLog
internal import Records
internal import Services

struct KeyCommands {
    let board: HaltBoard
    let now: Timestamp

    // MARK: What is there

    func type(_ key: [UInt8], _ view: borrowing some LogView & ~Copyable) throws -> String? {
        switch Key(key) {
        case .stream(let name): try view.stream(name) == nil ? nil : "stream"
        case .haltHash: try board.hash() == nil ? nil : "hash"
        case .haltText: try board.hash() == nil ? nil : "string"
        case .intentDedup, .orderDedup: try DedupKey(key)?.sequence(view) == nil ? nil : "string"
        case .impossible, .other: nil
        }
    }

    func exists(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        var count: Int64 = 0
        for key in words.all.dropFirst() where try type(key, view) != nil { count += 1 }
        return .integer(count)
    }

    /// Streams by their canonical names, and the halt keys while they are there; dedup keys are not listed.
    func names(_ view: borrowing some LogView & ~Copyable) throws -> [[UInt8]] {
        var names = try view.streamNames().map { Array($0.text.utf8) }
        if try board.hash() != nil { names += [Key.haltHashName, Key.haltTextName].map { Array($0.utf8) } }
        return names
    }

    func keys(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        .array(try names(view).filter { GlobPattern.matches(words[1], $0) }.map { .bulk($0) })
    }

    /// The cursor is a place in the list of names, which only grows at its end while nothing is halted or resumed.
    func scan(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        guard let cursor = RedisNumber.unsigned(words[1]) else { throw RespError("invalid cursor") }
        var (count, pattern, wanted): (Int, [UInt8]?, String?) = (10, nil, nil)
        var place = 2
        while place < words.count {
            guard words.after(place) > 0 else { throw RespError.syntax }
            if words.word(place, is: "count") {
                let number = try words.integer(place + 1)
                guard number > 0 else { throw RespError.syntax }
                count = Int(clamping: number)
            } else if words.word(place, is: "match") {
                pattern = words[place + 1]
            } else if words.word(place, is: "type") {
                wanted = words.lower(place + 1)
            } else {
                throw RespError.syntax
            }
            place += 2
        }
        let names = try names(view)
        let first = min(Int(clamping: cursor), names.count)
        let end = first + min(count, names.count - first)
        var found: [RespValue] = []
        for name in names[first..<end] {
            if let pattern, !GlobPattern.matches(pattern, name) { continue }
            if let wanted, try type(name, view) != wanted { continue }
            found.append(.bulk(name))
        }
        return .array([.text(end == names.count ? "0" : "\(end)"), .array(found)])
    }

    // MARK: Strings

    func get(_ key: [UInt8], _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        switch Key(key) {
        case .haltText: return try board.hash() == nil ? .null : .text("true")
        case .intentDedup, .orderDedup: return try DedupKey(key)?.value(view).map { .bulk($0) } ?? .null
        case .stream, .haltHash, .impossible, .other:
            guard try type(key, view) == nil else { throw RespError.wrongType }
            return .null
        }
    }

    func timeToLive(_ key: [UInt8], _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        if let left = try DedupKey(key)?.timeToLive(now, view) { return .integer(left) }
        return .integer(try type(key, view) == nil ? -2 : -1)
    }

    /// Of a dedup key; every other one shows what is in the log.
    func set(_ words: Words, _ producer: String, _ transaction: inout LogTransaction) throws -> RespValue {
        let options = try SetOptions(words)
        if let key = DedupKey(words[1]) { return try key.claim(words, options, producer, &transaction) }
        throw RespError(
            whole: "NOPERM \(words.text(1).prefix(200)) is not set by clients: entries are added with XADD")
    }

    // MARK: The halt hash

    private func hash(_ key: [UInt8], _ view: borrowing some LogView & ~Copyable) throws -> [(
        name: String, value: String
    )] {
        if Key(key) == .haltHash { return try board.hash() ?? [] }
        guard try type(key, view) == nil else { throw RespError.wrongType }
        return []
    }

    func hashGet(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        let member = try hash(words[1], view).first { $0.name.utf8.elementsEqual(words[2]) }
        return member.map { .text($0.value) } ?? .null
    }

    func hashHas(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        .integer(try hashGet(words, view) == .null ? 0 : 1)
    }

    func hashAll(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        .map(try hash(words[1], view).map { (.text($0.name), .text($0.value)) })
    }
}

/// SET's options, checked as Redis does.
