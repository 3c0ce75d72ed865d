// The fields of a protobuf message, one after the other, straight from a record's bytes. It exists for the
// few kinds that make up most of a log: folds read them several times faster than through the general
// decoder, which stays the only way to write a message and the judge of this one (WireReaderTests).
// It must never read a field otherwise than the general decoder. It looks only into the fields that it
// reads, all others are skipped by their length, and it refuses groups, which no message of ours has.

package import Records

/// One field as it stands on the wire.
struct WireField {
    let number: Int
    fileprivate let type: UInt8
    /// Of a number; zero for bytes.
    fileprivate let value: UInt64
    /// Of bytes; empty for a number.
    fileprivate let range: Range<Int>

    /// Nil where the field is of another type: such a field counts as unknown.
    var unsigned: UInt64? { type == 0 ? value : nil }
    var signed: Int64? { type == 0 ? Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) : nil }
    var signed32: Int32? {
        guard type == 0 else { return nil }
        let low = UInt32(truncatingIfNeeded: value)
        return Int32(bitPattern: low >> 1) ^ -Int32(bitPattern: low & 1)
    }
    /// The number of an enumeration's case.
    var choice: Int? { type == 0 ? Int(Int32(truncatingIfNeeded: value)) : nil }
    var bytes: Range<Int>? { type == 2 ? range : nil }
}

struct WireReader: ~Escapable {
    private let bytes: RawSpan
    private var offset: Int
    private let end: Int

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
        offset = 0
        end = bytes.byteCount
    }

    @_lifetime(copy bytes)
    private init(_ bytes: RawSpan, _ range: Range<Int>) {
        self.bytes = bytes
        offset = range.lowerBound
        end = range.upperBound
    }

    /// Nil at the end.
    @_lifetime(self: copy self)
    mutating func next() throws(RecordError) -> WireField? {
        if offset == end { return nil }
        let tag = try varint()
        let number = Int(tag >> 3)
        guard tag <= UInt64(UInt32.max), number > 0 else { throw .malformed("a message with field number \(tag >> 3)") }
        let type = UInt8(tag & 7)
        switch type {
        case 0: return WireField(number: number, type: type, value: try varint(), range: 0..<0)
        case 1: return WireField(number: number, type: type, value: 0, range: try skip(8))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - offset) else { throw .truncated(needed: end, found: offset) }
            return WireField(number: number, type: type, value: 0, range: try skip(Int(length)))
        case 5: return WireField(number: number, type: type, value: 0, range: try skip(4))
        default: throw .malformed("a field of wire type \(type)")
        }
    }

    func text(_ range: Range<Int>) throws(RecordError) -> String {
        if let text = ascii(range) { return text }
        guard let text = bytes.text(range) else { throw .malformed("text that is not UTF-8") }
        return text
    }

    /// Nearly all texts of messages are; the general check of UTF-8 costs several times more. Nil where not.
    private func ascii(_ range: Range<Int>) -> String? {
        bytes.extracting(range).withUnsafeBytes { raw in
            var all: UInt8 = 0
            for byte in raw { all |= byte }
            return all < 0x80 ? String(decoding: raw, as: UTF8.self) : nil
        }
    }

    /// Adds what the message in `range` says to `decimal`.
    func read(_ range: Range<Int>, into decimal: inout WireDecimal) throws(RecordError) {
        var inner = WireReader(bytes, range)
        while let field = try inner.next() {
            switch field.number {
            case 1: if let value = field.signed { decimal.coefficient = value }
            case 2: if let value = field.signed32 { decimal.exponent = value }
            default: break
            }
        }
    }

    @_lifetime(self: copy self)
    private mutating func skip(_ count: Int) throws(RecordError) -> Range<Int> {
        guard count <= end - offset else { throw .truncated(needed: offset + count, found: end) }
        defer { offset += count }
        return offset..<offset + count
    }

    @_lifetime(self: copy self)
    private mutating func varint() throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset < end {
            // In bounds: offset < end, and end is at most the span's count.
            let byte = bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            offset += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
            if shift > 63 { throw .malformed("a number over 64 bits") }
        }
        throw .truncated(needed: end + 1, found: end)
    }
}

/// A decimal message, not yet checked.
package struct WireDecimal: Hashable, Sendable {
    package internal(set) var coefficient: Int64 = 0
    package internal(set) var exponent: Int32 = 0

    /// Throws where it is not canonical.
    package func exact() throws(DecimalError) -> ExactDecimal {
        let value = try ExactDecimal(coefficient: coefficient, exponent: Int(exponent))
        guard value.coefficient == coefficient, value.exponent == Int(exponent) else {
            throw .notCanonical(coefficient: coefficient, exponent: Int(exponent))
        }
        return value
    }

    /// A decimal that was checked when its record was appended.
    package func stored() throws(RecordError) -> ExactDecimal {
        do {
            return try exact()
        } catch {
            throw .malformed(error.description)
        }
    }
}
