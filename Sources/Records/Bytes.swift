// Bounded reading and writing of bytes. Every decoder of the log goes through these two types, so that
// no length that lies can read past an end.

package enum RecordError: Error, Equatable, CustomStringConvertible {
    /// The bytes end before what they announce.
    case truncated(needed: Int, found: Int)
    /// Written by another version of the format.
    case formatUnknown(UInt16)
    /// The bytes break a rule of the format; the text says which.
    case malformed(String)

    package var description: String {
        switch self {
        case .truncated(let needed, let found): "record is cut off: \(needed) bytes needed, \(found) found"
        case .formatUnknown(let version): "record format \(version) is not known to this version"
        case .malformed(let what): "malformed record: \(what)"
        }
    }
}

extension RawSpan {
    package func loadUInt64(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset + 8 <= byteCount, "a read past the end of a span")
        return UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }
    package func loadUInt32(at offset: Int) -> UInt32 {
        precondition(offset >= 0 && offset + 4 <= byteCount, "a read past the end of a span")
        return UInt32(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    }
    package func loadUInt16(at offset: Int) -> UInt16 {
        precondition(offset >= 0 && offset + 2 <= byteCount, "a read past the end of a span")
        return UInt16(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self))
    }
    package func array() -> [UInt8] {
        withUnsafeBytes { Array($0) }
    }
    package func array(_ range: Range<Int>) -> [UInt8] {
        withUnsafeBytes { Array($0[range]) }
    }
    /// Nil where the bytes are not valid UTF-8.
    package func text(_ range: Range<Int>) -> String? {
        withUnsafeBytes { String(validating: $0[range], as: UTF8.self) }
    }
}

/// Little-endian, with LEB128 for lengths.
package struct ByteWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    package init() {}
    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    package mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }
    package mutating func raw(_ value: UnsafeRawBufferPointer) { bytes.append(contentsOf: value) }
    package mutating func raw(_ value: String.UTF8View) { bytes.append(contentsOf: value) }

    package mutating func fixed<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Big-endian, where byte order must be number order.
    package mutating func ordered<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    package mutating func sized(_ value: [UInt8]) {
        varint(UInt64(value.count))
        raw(value)
    }

    package mutating func sized(_ text: String) {
        varint(UInt64(text.utf8.count))
        raw(text.utf8)
    }
}

/// As `ByteWriter`, into room that somebody lends. What does not fit is a programmer's error.
struct ByteRoom {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

    mutating func fixed<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        room.storeBytes(of: value.littleEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            fixed(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        fixed(UInt8(rest))
    }

    mutating func raw(_ value: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyMemory(from: value)
        count += value.count
    }

    mutating func raw(_ value: String.UTF8View) {
        let isCopied: Void? = value.withContiguousStorageIfAvailable { raw(UnsafeRawBufferPointer($0)) }
        if isCopied == nil { for byte in value { fixed(byte) } }
    }

    mutating func sized(_ text: String) {
        varint(UInt64(text.utf8.count))
        raw(text.utf8)
    }
}

/// Reads what `ByteWriter` wrote. Every read is checked against the end.
package struct ByteReader: ~Escapable {
    private let bytes: RawSpan
    package private(set) var offset: Int

    @_lifetime(copy bytes)
    package init(_ bytes: RawSpan, from offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    package var remaining: Int { bytes.byteCount - offset }

    @_lifetime(self: copy self)
    private mutating func advance(_ count: Int) throws(RecordError) -> Int {
        guard count >= 0, count <= remaining else {
            throw .truncated(needed: offset + max(count, 0), found: bytes.byteCount)
        }
        defer { offset += count }
        return offset
    }

    @_lifetime(self: copy self)
    package mutating func fixed<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(RecordError) -> T {
        let at = try advance(MemoryLayout<T>.size)
        return T(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: at, as: T.self))
    }

    @_lifetime(self: copy self)
    package mutating func ordered<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(RecordError) -> T {
        let at = try advance(MemoryLayout<T>.size)
        return T(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: at, as: T.self))
    }

    @_lifetime(self: copy self)
    package mutating func varint() throws(RecordError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try fixed(UInt8.self)
            guard shift < 63 || (shift == 63 && byte <= 1) else { throw .malformed("a number over 64 bits") }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
    }

    /// A length or a count, at most `max`.
    @_lifetime(self: copy self)
    package mutating func count(max: Int) throws(RecordError) -> Int {
        let value = try varint()
        guard value <= UInt64(max) else { throw .malformed("a length of \(value), at most \(max) is allowed") }
        return Int(value)
    }

    @_lifetime(self: copy self)
    package mutating func raw(_ count: Int) throws(RecordError) -> [UInt8] {
        let at = try advance(count)
        return bytes.array(at..<at + count)
    }

    @_lifetime(self: copy self)
    package mutating func sized(max: Int) throws(RecordError) -> [UInt8] {
        try raw(try count(max: max))
    }

    @_lifetime(self: copy self)
    package mutating func text(max: Int) throws(RecordError) -> String {
        let length = try count(max: max)
        let at = try advance(length)
        guard let text = bytes.text(at..<at + length) else { throw .malformed("text that is not UTF-8") }
        return text
    }

    @_lifetime(self: copy self)
    package mutating func skip(_ count: Int) throws(RecordError) { _ = try advance(count) }

    /// Passes over bytes of an announced length.
    @_lifetime(self: copy self)
    package mutating func skipSized(max: Int) throws(RecordError) {
        _ = try advance(try count(max: max))
    }

    /// Throws unless everything was read.
    package func finish() throws(RecordError) {
        guard remaining == 0 else { throw .malformed("\(remaining) bytes too many") }
    }
}
