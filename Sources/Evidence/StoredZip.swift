// A zip file whose entries are stored as they are, so that any tool opens it and nothing can unfold. Reading is strict: the
// bytes must be exactly those that writing the same entries gives, so no byte of it can change unseen.

internal import Records

package struct StoredZip: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package let name: String
        package let bytes: [UInt8]

        package init(_ name: String, _ bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    private static let localMark: UInt32 = 0x0403_4b50
    private static let centralMark: UInt32 = 0x0201_4b50
    private static let endMark: UInt32 = 0x0605_4b50
    private static let version: UInt16 = 20
    /// 1980-01-01, 00:00: the time of its making is no part of a bundle.
    private static let date: UInt16 = 0x0021
    private static let localByteCount = 30

    package static func pack(_ entries: [Entry]) -> [UInt8] {
        var out = ByteWriter(capacity: entries.reduce(1_024) { $0 + $1.bytes.count + 200 })
        var central = ByteWriter()
        for entry in entries {
            let (offset, sum) = (UInt32(out.bytes.count), CRC32.of(entry.bytes))
            out.fixed(localMark)
            write(entry, sum, &out)
            out.raw(entry.name.utf8)
            out.raw(entry.bytes)
            central.fixed(centralMark)
            central.fixed(version)
            write(entry, sum, &central)
            for _ in 0..<3 { central.fixed(UInt16(0)) }  // comment, disk, internal attributes
            central.fixed(UInt32(0))
            central.fixed(offset)
            central.raw(entry.name.utf8)
        }
        let start = UInt32(out.bytes.count)
        out.raw(central.bytes)
        out.fixed(endMark)
        for number in [0, 0, UInt16(entries.count), UInt16(entries.count)] { out.fixed(number) }
        out.fixed(UInt32(central.bytes.count))
        out.fixed(start)
        out.fixed(UInt16(0))
        return out.bytes
    }

    /// What local and central headers have in common.
    private static func write(_ entry: Entry, _ sum: UInt32, _ out: inout ByteWriter) {
        out.fixed(version)
        for number in [0, 0, 0, date] { out.fixed(UInt16(number)) }  // flags, method, time, date
        out.fixed(sum)
        for _ in 0..<2 { out.fixed(UInt32(entry.bytes.count)) }
        out.fixed(UInt16(entry.name.utf8.count))
        out.fixed(UInt16(0))
    }

    package static func unpack(_ bytes: [UInt8]) throws(BundleError) -> [Entry] {
        guard bytes.count >= localByteCount, bytes.span.bytes.loadUInt32(at: 0) == localMark else {
            throw .notABundle("it is no zip file")
        }
        var entries: [Entry] = []
        var place = 0
        while bytes.count - place >= localByteCount, bytes.span.bytes.loadUInt32(at: place) == localMark {
            let size = Int(bytes.span.bytes.loadUInt32(at: place + 22))
            let nameLength = Int(bytes.span.bytes.loadUInt16(at: place + 26))
            let start = place + localByteCount + nameLength
            guard entries.count < Limits.bundleFilesMax, bytes.count - start >= size else {
                throw .altered("file \(entries.count + 1) in it is cut off, or says that it is longer than the bundle")
            }
            guard let name = String(validating: bytes[place + localByteCount..<start], as: UTF8.self) else {
                throw .altered("file \(entries.count + 1) in it has no readable name")
            }
            entries.append(Entry(name, Array(bytes[start..<start + size])))
            place = start + size
        }
        let packed = pack(entries)
        guard packed == bytes else {
            let first = zip(packed, bytes).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            throw .altered("byte \(first ?? min(packed.count, bytes.count)) is not what its files give")
        }
        return entries
    }
}

/// The checksum of zip files; it finds accidents, and proves nothing against somebody who wants to deceive.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xedb8_8320 ^ sum >> 1 : sum >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0xffff_ffff
        table.withUnsafeBufferPointer { table in
            for byte in bytes { sum = table[Int((sum ^ UInt32(byte)) & 0xff)] ^ sum >> 8 }
        }
        return sum ^ 0xffff_ffff
    }
}
