// The words of one command. The first is its name.

internal import Records

package struct Words: Sendable {
    package let all: [[UInt8]]
    /// Where its keys are looked up.
    package var scope = KeyScope()

    package init(_ all: [[UInt8]]) { self.all = all }
    package init(_ texts: String...) { all = texts.map { Array($0.utf8) } }

    package var count: Int { all.count }
    var byteCount: Int { all.reduce(0) { $0 + $1.count } }
    package subscript(_ place: Int) -> [UInt8] { all[place] }
    package func text(_ place: Int) -> String { String(decoding: all[place], as: UTF8.self) }
    package func after(_ place: Int) -> Int { count - 1 - place }

    /// Whatever its case.
    package func word(_ place: Int, is name: StaticString) -> Bool {
        guard all[place].count == name.utf8CodeUnitCount else { return false }
        return all[place].elementsEqual(name.description.utf8) { Words.upper($0) == Words.upper($1) }
    }

    func exactly(_ place: Int, _ name: StaticString) -> Bool { all[place].elementsEqual(name.description.utf8) }

    /// What the word means as a key.
    package func key(_ place: Int) -> Key { scope.key(all[place]) }

    package func lower(_ place: Int) -> String {
        String(decoding: all[place].map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }

    package func integer(_ place: Int, _ error: RespError = .notAnInteger) throws(RespError) -> Int64 {
        guard let number = RedisNumber.integer(all[place]) else { throw error }
        return number
    }

    /// An end of a range, perhaps exclusive.
    func start(_ place: Int) throws(RespError) -> EntryID {
        let (id, isExclusive) = try interval(place, 0)
        guard isExclusive else { return id }
        guard let next = id.next else { throw RespError("invalid start ID for the interval") }
        return next
    }

    func end(_ place: Int) throws(RespError) -> EntryID {
        let (id, isExclusive) = try interval(place, .max)
        guard isExclusive else { return id }
        guard let previous = id.previous else { throw RespError("invalid end ID for the interval") }
        return previous
    }

    private func interval(_ place: Int, _ missing: UInt64) throws(RespError) -> (EntryID, isExclusive: Bool) {
        let bytes = all[place]
        guard bytes.count > 1, bytes[0] == 0x28 else {
            return (try EntryID(reading: bytes, missingCounter: missing, allowsEnds: true), false)
        }
        return (try EntryID(reading: Array(bytes.dropFirst()), missingCounter: missing), true)
    }

    private static func upper(_ byte: UInt8) -> UInt8 { (0x61...0x7a).contains(byte) ? byte - 0x20 : byte }
}
