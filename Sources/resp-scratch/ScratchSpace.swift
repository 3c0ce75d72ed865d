// What stands under which key: plain values, and the streams of the log, each under a name that is given once and never
// again. Deleting a key forgets the name; what the log holds under it is seen by nobody any more. Pure.

import Records

struct ScratchKey: Hashable, Sendable {
    let database: Int
    let bytes: [UInt8]
}

enum ScratchValue: Sendable {
    case string([UInt8])
    case list([[UInt8]])
    /// In the order in which they were added.
    case set([[UInt8]])
    case hash([(name: [UInt8], value: [UInt8])])

    var type: String {
        switch self {
        case .string: "string"
        case .list: "list"
        case .set: "set"
        case .hash: "hash"
        }
    }
}

struct ScratchSpace: Sendable {
    private(set) var values: [ScratchKey: ScratchValue] = [:]
    private(set) var names: [ScratchKey: StreamName] = [:]
    private var touched: [ScratchKey: UInt64] = [:]
    private var namesGiven = 0

    subscript(_ key: ScratchKey) -> ScratchValue? { values[key] }
    func touches(_ key: ScratchKey) -> UInt64 { touched[key] ?? 0 }
    mutating func touch(_ key: ScratchKey) { touched[key, default: 0] += 1 }

    /// The stream that the key means, if it means none yet, a new one: it is there as soon as something is written to it.
    mutating func name(of key: ScratchKey) -> StreamName {
        if let known = names[key] { return known }
        namesGiven += 1
        let name: StreamName
        do { name = try StreamName("scratch:\(namesGiven)") } catch { preconditionFailure("\(error)") }
        names[key] = name
        return name
    }

    mutating func put(_ value: ScratchValue, at key: ScratchKey) {
        names[key] = nil
        values[key] = value
        touch(key)
    }

    mutating func forget(_ key: ScratchKey) {
        names[key] = nil
        values[key] = nil
        touch(key)
    }

    mutating func move(_ key: ScratchKey, to other: ScratchKey) {
        (values[other], names[other]) = (values[key], names[key])
        touch(other)
        forget(key)
    }

    /// - Parameters:
    ///   - database: nil: all.
    ///   - there: the keys that hold something.
    mutating func empty(_ database: Int?, there: [ScratchKey]) {
        for key in there where database == nil || key.database == database { touch(key) }
        values = values.filter { database != nil && $0.key.database != database }
        names = names.filter { database != nil && $0.key.database != database }
    }
}
