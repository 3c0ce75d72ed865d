// What is under the keys, and commands that take away or move whole keys.

import EventLog
import Records
import RespServer

extension ScratchFace {
    func at(_ key: [UInt8], _ words: Words) -> ScratchKey {
        ScratchKey(database: words.scope.database, bytes: key)
    }

    func type(_ key: ScratchKey, _ view: borrowing some LogView & ~Copyable) throws -> String? {
        if let value = space[key] { return value.type }
        guard let name = space.names[key] else { return nil }
        return try view.stream(name) == nil ? nil : "stream"
    }

    /// The value that a command on values is for; a stream is none.
    func value(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> ScratchValue? {
        let key = at(words[1], words)
        if try type(key, view) == "stream" { throw RespError.wrongType }
        return space[key]
    }

    /// The keys that hold something, in order. Nil: of all databases.
    func there(_ database: Int?, _ view: borrowing some LogView & ~Copyable) throws -> [ScratchKey] {
        var found: [ScratchKey] = []
        for key in Set(space.values.keys).union(space.names.keys) where database == nil || key.database == database {
            if try type(key, view) != nil { found.append(key) }
        }
        return found.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }

    func keys(
        _ words: Words, matching pattern: [UInt8], _ view: borrowing some LogView & ~Copyable
    ) throws -> [ScratchKey] {
        try there(words.scope.database, view).filter { GlobPattern.matches(pattern, $0.bytes) }
    }

    /// All in one answer: COUNT is a wish.
    func scan(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        guard UInt64(words.text(1)) != nil else { throw RespError("invalid cursor") }
        var (pattern, wanted): ([UInt8], String?) = ([0x2a], nil)
        for place in stride(from: 2, to: words.count, by: 2) {
            guard words.after(place) > 0 else { throw RespError.syntax }
            if words.word(place, is: "count") {
                guard try words.integer(place + 1) > 0 else { throw RespError.syntax }
            } else if words.word(place, is: "match") {
                pattern = words[place + 1]
            } else if words.word(place, is: "type") {
                wanted = words.lower(place + 1)
            } else {
                throw RespError.syntax
            }
        }
        var found: [RespValue] = []
        for key in try keys(words, matching: pattern, view) {
            if let wanted, try type(key, view) != wanted { continue }
            found.append(.bulk(key.bytes))
        }
        return .array([.text("0"), .array(found)])
    }

    func delete(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        var count: Int64 = 0
        for name in words.all.dropFirst() where try type(at(name, words), view) != nil {
            space.forget(at(name, words))
            count += 1
        }
        return .integer(count)
    }

    func rename(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        let (from, to) = (at(words[1], words), at(words[2], words))
        let onlyToFree = words.lower(0) == "renamenx"
        guard try type(from, view) != nil else { throw RespError.noSuchKey }
        if onlyToFree, try type(to, view) != nil { return .integer(0) }
        if from != to { space.move(from, to: to) }
        return onlyToFree ? .integer(1) : .ok
    }
}

/// XSETID, in the order of Redis' checks.
struct SetIDCommand {
    private let id: EntryID
    private var added: Int64?
    private var deleted: EntryID?

    init(_ words: Words) throws(RespError) {
        id = try EntryID(reading: words[2])
        var place = 3
        while place < words.count {
            if words.word(place, is: "entriesadded"), words.after(place) > 0 {
                let number = try words.integer(place + 1)
                guard number >= 0 else { throw RespError("entries_added must be positive") }
                added = number
            } else if words.word(place, is: "maxdeletedid"), words.after(place) > 0 {
                let given = try EntryID(reading: words[place + 1])
                guard id >= given else { throw smaller("the provided max_deleted_entry_id") }
                deleted = given
            } else {
                throw RespError.syntax
            }
            place += 2
        }
    }

    /// - Parameter renewed: gives the key another stream.
    func run(
        _ words: Words, _ transaction: inout LogTransaction, renewed: () -> StreamName
    ) throws -> RespValue {
        guard let name = try words.key(1).streamToRead(), let stream = try transaction.stream(name) else {
            throw RespError.noSuchKey
        }
        if stream.length > 0 {
            let top = try transaction.entriesBack(stream.number, .zero ... .last, limit: 1).first?.id ?? .zero
            guard id >= top else { throw smaller("the target stream top item") }
            if let added, added < Int64(clamping: stream.length) {
                throw RespError("The entries_added specified in XSETID is smaller than the target stream length")
            }
        }
        let old = stream
        if try set(name, old, &transaction) { return .ok }
        // The index of entries only goes forward; where nothing of it is seen any more, the key gets another stream.
        guard old.length == 0, try transaction.groupNames(name).isEmpty else {
            throw RespError("resp-scratch cannot set an id below an entry that was deleted or trimmed")
        }
        _ = try set(renewed(), old, &transaction)
        return .ok
    }

    private func set(_ name: StreamName, _ old: StreamState, _ transaction: inout LogTransaction) throws -> Bool {
        try transaction.setUnrecordedCounters(
            name, lastID: id, entriesAdded: added.map { UInt64($0) } ?? old.entriesAdded,
            maxDeletedID: deleted.flatMap { $0 == .zero ? nil : $0 } ?? old.maxDeletedID)
    }

    private func smaller(_ than: String) -> RespError {
        RespError("The ID specified in XSETID is smaller than \(than)")
    }
}
