// The fixed header of a record, byte for byte as schemas/record.md gives it. Little-endian, version 1.
// Published offsets never move; a new version gets a new number and is read beside the old for ever.

package struct Header: Hashable, Sendable {
    package static let formatVersion: UInt16 = 1
    package static let byteCount = 152

    /// Where each field begins.
    package enum Offset {
        package static let format = 0
        package static let kind = 2
        package static let flags = 4
        package static let sequence = 8
        package static let session = 16
        package static let recordedAt = 24
        package static let monotonicAt = 32
        package static let cause = 40
        package static let basis = 48
        package static let stream = 56
        package static let keyLength = 60
        package static let traceLength = 62
        package static let producerLength = 64
        package static let reserved = 66
        package static let bodyLength = 68
        package static let entryMilliseconds = 72
        package static let entryCounter = 80
        package static let content = 88
        package static let hash = 120
    }

    /// Bits of `flags`. Unknown bits are an error.
    package enum Flag {
        /// The key stands in the user's namespace of its stream.
        package static let userKey: UInt32 = 1
        package static let known: UInt32 = userKey
    }

    package var kind: Kind
    package var flags: UInt32
    package var sequence: SequenceNumber
    /// The `session.started` record of the process that wrote this one (its own, for that record).
    package var session: SequenceNumber
    /// Wall clock, never less than the record before.
    package var recordedAt: Timestamp
    /// CLOCK_BOOTTIME of the session's boot.
    package var monotonicAt: BootInstant
    package var cause: SequenceNumber
    package var basis: SequenceNumber
    package var stream: StreamNumber
    package var entryID: EntryID
    package var keyLength: Int
    package var traceLength: Int
    package var producerLength: Int
    package var bodyLength: Int
    /// What the record says, without what transport adds; see `LogRules.contentDigest`.
    package var content: Digest
    /// SHA-256(previous hash ‖ header up to here ‖ SHA-256(all that follows the header)).
    package var hash: Digest

    package init(
        kind: Kind, flags: UInt32, sequence: SequenceNumber, session: SequenceNumber, recordedAt: Timestamp,
        monotonicAt: BootInstant, cause: SequenceNumber, basis: SequenceNumber, stream: StreamNumber, entryID: EntryID,
        keyLength: Int, traceLength: Int, producerLength: Int, bodyLength: Int, content: Digest, hash: Digest = .zero
    ) {
        self.kind = kind
        self.flags = flags
        self.sequence = sequence
        self.session = session
        self.recordedAt = recordedAt
        self.monotonicAt = monotonicAt
        self.cause = cause
        self.basis = basis
        self.stream = stream
        self.entryID = entryID
        self.keyLength = keyLength
        self.traceLength = traceLength
        self.producerLength = producerLength
        self.bodyLength = bodyLength
        self.content = content
        self.hash = hash
    }

    package var tailLength: Int { keyLength + traceLength + producerLength + bodyLength }
}

extension Header {
    /// The bytes before the hash.
    package func encodedWithoutHash() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Offset.hash) { room, count in
            writeWithoutHash(to: UnsafeMutableRawBufferPointer(room))
            count = Offset.hash
        }
    }

    /// The same into `room`, which has that many bytes.
    package func writeWithoutHash(to room: UnsafeMutableRawBufferPointer) {
        precondition(room.count == Offset.hash, "room for a header without its hash")
        func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, _ offset: Int) {
            room.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
        }
        put(Header.formatVersion, Offset.format)
        put(kind.rawValue, Offset.kind)
        put(flags, Offset.flags)
        put(sequence.rawValue, Offset.sequence)
        put(session.rawValue, Offset.session)
        put(recordedAt.nanoseconds, Offset.recordedAt)
        put(monotonicAt.nanoseconds, Offset.monotonicAt)
        put(cause.rawValue, Offset.cause)
        put(basis.rawValue, Offset.basis)
        put(stream.rawValue, Offset.stream)
        put(UInt16(keyLength), Offset.keyLength)
        put(UInt16(traceLength), Offset.traceLength)
        put(UInt16(producerLength), Offset.producerLength)
        put(UInt16(0), Offset.reserved)
        put(UInt32(bodyLength), Offset.bodyLength)
        put(entryID.milliseconds, Offset.entryMilliseconds)
        put(entryID.counter, Offset.entryCounter)
        content.write(to: room, at: Offset.content)
    }
}
