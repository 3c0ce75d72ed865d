// How the values of projections become bytes and come back. Tables are written sorted by key and read
// back only where they are sorted, so that one state has one encoding.

package import Events
package import Records

package protocol Stored {
    func write(to writer: inout ByteWriter)
    @_lifetime(reader: copy reader)
    init(from reader: inout ByteReader) throws(RecordError)
}

extension ByteWriter {
    package mutating func list<Item: Stored>(_ items: [Item]) {
        varint(UInt64(items.count))
        for item in items { item.write(to: &self) }
    }

    package mutating func table<Key: Stored & Hashable & Comparable, Value: Stored>(_ table: [Key: Value]) {
        varint(UInt64(table.count))
        for (key, value) in table.sorted(by: { $0.key < $1.key }) {
            key.write(to: &self)
            value.write(to: &self)
        }
    }

    package mutating func optional<Item: Stored>(_ item: Item?) {
        flag(item != nil)
        item?.write(to: &self)
    }

    package mutating func flag(_ value: Bool) { fixed(UInt8(value ? 1 : 0)) }
}

extension ByteReader {
    @_lifetime(self: copy self)
    package mutating func list<Item: Stored>(of type: Item.Type = Item.self, max: Int) throws(RecordError) -> [Item] {
        var items: [Item] = []
        for _ in 0..<(try count(max: max)) { items.append(try Item(from: &self)) }
        return items
    }

    @_lifetime(self: copy self)
    package mutating func table<Key: Stored & Hashable & Comparable, Value: Stored>(
        max: Int
    ) throws(RecordError) -> [Key: Value] {
        var table: [Key: Value] = [:]
        var last: Key?
        for _ in 0..<(try count(max: max)) {
            let key = try Key(from: &self)
            if let last, !(last < key) { throw .malformed("a table that is not sorted") }
            table[key] = try Value(from: &self)
            last = key
        }
        return table
    }

    @_lifetime(self: copy self)
    package mutating func optional<Item: Stored>(of type: Item.Type = Item.self) throws(RecordError) -> Item? {
        try flag() ? try Item(from: &self) : nil
    }

    @_lifetime(self: copy self)
    package mutating func flag() throws(RecordError) -> Bool {
        switch try fixed(UInt8.self) {
        case 0: return false
        case 1: return true
        case let other: throw .malformed("\(other) is neither true nor false")
        }
    }

    /// A text of a message; no message is larger than a body.
    @_lifetime(self: copy self)
    package mutating func text() throws(RecordError) -> String {
        try text(max: Limits.bodyBytesMax)
    }
}

extension String: Stored {
    package func write(to writer: inout ByteWriter) { writer.sized(self) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) { self = try reader.text() }
}

extension UInt64: Stored {
    package func write(to writer: inout ByteWriter) { writer.varint(self) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) { self = try reader.varint() }
}

extension SequenceNumber: Stored {
    package func write(to writer: inout ByteWriter) { writer.varint(rawValue) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) { self.init(try reader.varint()) }
}

extension Timestamp: Stored {
    package func write(to writer: inout ByteWriter) { writer.fixed(nanoseconds) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        self.init(nanoseconds: try reader.fixed(Int64.self))
    }
}

extension Moment: Stored {
    package func write(to writer: inout ByteWriter) {
        recordedAt.write(to: &writer)
        writer.fixed(monotonicAt.nanoseconds)
        session.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        let recordedAt = try Timestamp(from: &reader)
        let monotonicAt = BootInstant(nanoseconds: try reader.fixed(UInt64.self))
        self.init(recordedAt: recordedAt, monotonicAt: monotonicAt, session: try SequenceNumber(from: &reader))
    }
}

extension ExactSum: Stored {
    package func write(to writer: inout ByteWriter) { encode(into: &writer) }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) { self = try ExactSum(reading: &reader) }
}

extension ExactDecimal: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.fixed(Int8(exponent))
        writer.fixed(coefficient)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        var event = EventDecimal()
        event.exponent = Int32(try reader.fixed(Int8.self))
        event.coefficient = try reader.fixed(Int64.self)
        self = try ExactDecimal(stored: event)
    }
}
