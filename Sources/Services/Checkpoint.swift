// How far a view has come, and in which log: the row that makes what is derived safe to keep. It is believed only
// where its own digest, its version, the log's id and the hash of its record all fit; else it is built again.

internal import EventLog
internal import Records

struct Checkpoint {
    let logID: LogID
    let head: Head
    let version: UInt32
    let payload: [UInt8]

    init(logID: LogID, head: Head, version: UInt32, payload: [UInt8]) {
        self.logID = logID
        self.head = head
        self.version = version
        self.payload = payload
    }

    /// The digest of all that follows stands first.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + payload.count)
        writer.fixed(version)
        writer.raw(logID.bytes)
        writer.fixed(head.sequence.rawValue)
        writer.raw(head.hash.bytes)
        writer.raw(payload)
        return Digest.sha256(writer.bytes).bytes + writer.bytes
    }

    /// Why a row is not to be used.
    enum Refusal: Error, CustomStringConvertible {
        case damaged
        case ofVersion(UInt32)

        var description: String {
            switch self {
            case .damaged: "it is damaged"
            case .ofVersion(let version): "it is of version \(version)"
            }
        }
    }

    init(decoding bytes: [UInt8], version expected: UInt32) throws(Refusal) {
        do { try self.init(reading: bytes) } catch { throw .damaged }
        guard version == expected else { throw .ofVersion(version) }
    }

    private init(reading bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        let digest = try reader.raw(Digest.byteCount)
        guard Digest.sha256(Array(bytes[Digest.byteCount...])).bytes == digest else {
            throw .malformed("a checkpoint that does not match its digest")
        }
        version = try reader.fixed(UInt32.self)
        guard let id = LogID(try reader.raw(LogID.byteCount)) else { throw .malformed("a log id") }
        logID = id
        let sequence = SequenceNumber(try reader.fixed(UInt64.self))
        let hash = try reader.raw(Digest.byteCount)
        head = Head(sequence: sequence, hash: Digest(hash.span.bytes, at: 0))
        payload = try reader.raw(reader.remaining)
    }

    /// Whether the log is the same, and still has that record there.
    func belongs(to log: EventLog) throws -> Bool {
        guard logID == log.id else { return false }
        return try log.snapshot { try $0.record(head.sequence)?.header.hash } == head.hash
    }
}
