// What came as a field map, kept verbatim: order, duplicates and binary values. A stream's reader gets
// back exactly what its writer gave.

/// Ordered name/value pairs, as in a Redis Streams entry.
package struct FieldMap: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        package var name: [UInt8]
        package var value: [UInt8]
        package init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var fields: [Field]

    package init() { fields = [] }
    package init(_ fields: [Field]) { self.fields = fields }
    package init(_ pairs: [(String, String)]) {
        fields = pairs.map { Field(name: Array($0.0.utf8), value: Array($0.1.utf8)) }
    }

    package mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: Array(name.utf8), value: Array(value.utf8)))
    }

    /// The first value of that name.
    package func first(_ name: String) -> [UInt8]? {
        fields.first { $0.name.elementsEqual(name.utf8) }?.value
    }

    /// Throws where a name, a value or their number is over its bound.
    package func check() throws(BoundError) {
        guard !fields.isEmpty else { throw BoundError("fields", "a message needs at least one field") }
        guard fields.count <= Limits.fieldsPerMessageMax else {
            throw BoundError("fields", "\(fields.count), at most \(Limits.fieldsPerMessageMax) are allowed")
        }
        for field in fields {
            guard field.name.count <= Limits.fieldNameBytesMax else {
                throw BoundError(
                    "field name", "\(field.name.count) bytes, at most \(Limits.fieldNameBytesMax) are allowed")
            }
            guard field.value.count <= Limits.fieldValueBytesMax else {
                let name = String(decoding: field.name, as: UTF8.self)
                throw BoundError(name, "\(field.value.count) bytes, at most \(Limits.fieldValueBytesMax) are allowed")
            }
        }
    }

    package func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(fields.count))
        for field in fields {
            writer.sized(field.name)
            writer.sized(field.value)
        }
    }

    @_lifetime(reader: copy reader)
    package init(reading reader: inout ByteReader) throws(RecordError) {
        let count = try reader.count(max: Limits.fieldsPerMessageMax)
        fields = []
        fields.reserveCapacity(count)
        for _ in 0..<count {
            let name = try reader.sized(max: Limits.fieldNameBytesMax)
            let value = try reader.sized(max: Limits.fieldValueBytesMax)
            fields.append(Field(name: name, value: value))
        }
    }
}

extension FieldMap {
    /// Throws what reading it would throw. False where it is not encoded as `encode` does, in the fewest bytes.
    package static func isCanonical(_ encoded: RawSpan) throws(RecordError) -> Bool {
        var reader = ByteReader(encoded)
        var shortest = 0
        func length(_ count: Int) -> Int { count == 0 ? 1 : (Int.bitWidth - count.leadingZeroBitCount + 6) / 7 }
        let count = try reader.count(max: Limits.fieldsPerMessageMax)
        shortest += length(count)
        for _ in 0..<count {
            for max in [Limits.fieldNameBytesMax, Limits.fieldValueBytesMax] {
                let before = reader.offset
                var ahead = reader
                let bytes = try ahead.count(max: max)
                try reader.skipSized(max: max)
                guard reader.offset - before == length(bytes) + bytes else { return false }
                shortest += length(bytes) + bytes
            }
        }
        try reader.finish()
        return reader.offset == shortest
    }
}

/// A record's body: the verbatim fields, then the typed message. Layout: u32 length of the verbatim
/// part, the verbatim part, the typed message to the end.
package struct Body: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(fields: FieldMap, typed: [UInt8]) {
        var verbatim = ByteWriter(capacity: 64)
        fields.encode(into: &verbatim)
        var writer = ByteWriter(capacity: 4 + verbatim.bytes.count + typed.count)
        writer.fixed(UInt32(verbatim.bytes.count))
        writer.raw(verbatim.bytes)
        writer.raw(typed)
        bytes = writer.bytes
    }

    /// The two parts' places in `body`.
    package static func parts(_ body: RawSpan) throws(RecordError) -> (fields: Range<Int>, typed: Range<Int>) {
        guard body.byteCount >= 4 else { throw .truncated(needed: 4, found: body.byteCount) }
        let length = Int(body.loadUInt32(at: 0))
        guard 4 + length <= body.byteCount else { throw .truncated(needed: 4 + length, found: body.byteCount) }
        return (4..<4 + length, 4 + length..<body.byteCount)
    }

    package static func fields(_ body: RawSpan) throws(RecordError) -> FieldMap {
        let range = try parts(body).fields
        var reader = ByteReader(body.extracting(range))
        let fields = try FieldMap(reading: &reader)
        try reader.finish()
        return fields
    }
}
