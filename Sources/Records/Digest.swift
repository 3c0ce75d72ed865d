// SHA-256 values as plain words, so that a header can hold them without an allocation.

package import Crypto

/// 32 bytes of SHA-256.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    package static let byteCount = 32
    package static let zero = Digest(a: 0, b: 0, c: 0, d: 0)

    private init(a: UInt64, b: UInt64, c: UInt64, d: UInt64) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }

    package init(_ digest: SHA256Digest) {
        self = digest.withUnsafeBytes { $0.loadUnaligned(as: Digest.self) }
    }

    /// Reads 32 bytes at `offset`.
    package init(_ bytes: RawSpan, at offset: Int) {
        a = bytes.loadUInt64(at: offset)
        b = bytes.loadUInt64(at: offset + 8)
        c = bytes.loadUInt64(at: offset + 16)
        d = bytes.loadUInt64(at: offset + 24)
    }

    /// Nil unless `hex` is 64 hexadecimal digits.
    package init?(hex: String) {
        guard let bytes = Hex.decode(hex), bytes.count == Digest.byteCount else { return nil }
        self.init(bytes.span.bytes, at: 0)
    }

    package static func sha256(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { sha256($0) } }
    package static func sha256(_ bytes: UnsafeRawBufferPointer) -> Digest {
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes)
        return Digest(hasher.finalize())
    }
    package static func sha256(_ text: String) -> Digest { sha256(Array(text.utf8)) }

    /// Of what `begin` writes, at most `bytesMax`, and of `rest` after it. Nothing is allocated for it.
    static func sha256(
        after rest: UnsafeRawBufferPointer, _ bytesMax: Int, _ begin: (inout ByteRoom) -> Void
    ) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: bytesMax, alignment: 8) { buffer in
            var room = ByteRoom(buffer)
            begin(&room)
            var hasher = SHA256()
            hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<room.count]))
            if !rest.isEmpty { hasher.update(bufferPointer: rest) }
            return Digest(hasher.finalize())
        }
    }

    package var bytes: [UInt8] {
        withUnsafeBytes(of: self) { Array($0) }
    }
    /// The same bytes, without an array. There must be room for them.
    package func write(to room: UnsafeMutableRawBufferPointer, at offset: Int) {
        withUnsafeBytes(of: self) { UnsafeMutableRawBufferPointer(rebasing: room[offset...]).copyMemory(from: $0) }
    }
    /// The first 16 bytes as numbers in byte order.
    package var firstWords: (UInt64, UInt64) { (a.byteSwapped, b.byteSwapped) }
    package var hex: String { Hex.encode(bytes) }
    package var description: String { hex }
}

/// Lower-case hexadecimal.
package enum Hex {
    package static func encode(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }

    package static func decode(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            out.append(high << 4 | low)
        }
        return out
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        case 65...70: digit - 55
        default: nil
        }
    }
}

/// The log's own random identity, new for every log and after every restore.
package struct LogID: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 16
    package let bytes: [UInt8]

    /// Nil unless there are 16 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == LogID.byteCount else { return nil }
        self.bytes = bytes
    }

    package init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    package static func random() -> LogID {
        var generator = SystemRandomNumberGenerator()
        return LogID((0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) })!
    }

    /// Where the hash chain begins.
    package var genesis: Digest { Digest.sha256(bytes) }
    package var description: String { Hex.encode(bytes) }
}
