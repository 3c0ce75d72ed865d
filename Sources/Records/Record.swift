// A record as it stands in the log: a view over the bytes for scans, and an owned copy for callers.

/// A record's bytes, checked for their shape. Valid only where LMDB's page is: the compiler keeps it
/// inside the closure that lends it.
package struct RecordView: ~Escapable {
    package let bytes: RawSpan

    /// Throws where version, flags or lengths do not fit. The hash is not checked here; `Chain` does.
    @_lifetime(copy bytes)
    package init(checking bytes: RawSpan) throws(RecordError) {
        guard bytes.byteCount >= Header.byteCount else {
            throw .truncated(needed: Header.byteCount, found: bytes.byteCount)
        }
        let version = bytes.loadUInt16(at: Header.Offset.format)
        guard version == Header.formatVersion else { throw .formatUnknown(version) }
        self.bytes = bytes
        guard flags & ~Header.Flag.known == 0 else { throw .malformed("unknown flags \(flags)") }
        guard bytes.loadUInt16(at: Header.Offset.reserved) == 0 else { throw .malformed("reserved bytes are not zero") }
        let whole = Header.byteCount + keyLength + traceLength + producerLength + bodyLength
        guard whole == bytes.byteCount else { throw .truncated(needed: whole, found: bytes.byteCount) }
    }

    package var kind: Kind { Kind(bytes.loadUInt16(at: Header.Offset.kind)) }
    package var flags: UInt32 { bytes.loadUInt32(at: Header.Offset.flags) }
    package var sequence: SequenceNumber { SequenceNumber(bytes.loadUInt64(at: Header.Offset.sequence)) }
    package var session: SequenceNumber { SequenceNumber(bytes.loadUInt64(at: Header.Offset.session)) }
    package var recordedAt: Timestamp {
        Timestamp(nanoseconds: Int64(bitPattern: bytes.loadUInt64(at: Header.Offset.recordedAt)))
    }
    package var monotonicAt: BootInstant { BootInstant(nanoseconds: bytes.loadUInt64(at: Header.Offset.monotonicAt)) }
    package var cause: SequenceNumber { SequenceNumber(bytes.loadUInt64(at: Header.Offset.cause)) }
    package var basis: SequenceNumber { SequenceNumber(bytes.loadUInt64(at: Header.Offset.basis)) }
    package var stream: StreamNumber { StreamNumber(bytes.loadUInt32(at: Header.Offset.stream)) }
    package var entryID: EntryID {
        EntryID(
            bytes.loadUInt64(at: Header.Offset.entryMilliseconds), bytes.loadUInt64(at: Header.Offset.entryCounter))
    }
    package var content: Digest { Digest(bytes, at: Header.Offset.content) }
    package var hash: Digest { Digest(bytes, at: Header.Offset.hash) }

    package var keyLength: Int { Int(bytes.loadUInt16(at: Header.Offset.keyLength)) }
    package var traceLength: Int { Int(bytes.loadUInt16(at: Header.Offset.traceLength)) }
    package var producerLength: Int { Int(bytes.loadUInt16(at: Header.Offset.producerLength)) }
    package var bodyLength: Int { Int(bytes.loadUInt32(at: Header.Offset.bodyLength)) }

    package var keyRange: Range<Int> { Header.byteCount..<Header.byteCount + keyLength }
    package var traceRange: Range<Int> { keyRange.upperBound..<keyRange.upperBound + traceLength }
    package var producerRange: Range<Int> { traceRange.upperBound..<traceRange.upperBound + producerLength }
    package var bodyRange: Range<Int> { producerRange.upperBound..<producerRange.upperBound + bodyLength }

    package var body: RawSpan {
        @_lifetime(copy self) get { bytes.extracting(bodyRange) }
    }
    /// The typed message's bytes.
    package var typed: RawSpan {
        @_lifetime(copy self)
        get throws(RecordError) { body.extracting(try Body.parts(body).typed) }
    }
    package var key: IdempotencyKey? {
        get throws(RecordError) {
            guard keyLength > 0 else { return nil }
            guard let text = bytes.text(keyRange) else { throw .malformed("a key that is not UTF-8") }
            return flags & Header.Flag.userKey != 0 ? .user(text) : .own(text)
        }
    }

    package func traceID() throws(RecordError) -> String {
        guard let text = bytes.text(traceRange) else { throw .malformed("a trace id that is not UTF-8") }
        return text
    }

    /// A copy that may leave the closure.
    package func record() throws(RecordError) -> Record {
        guard let producer = bytes.text(producerRange) else { throw .malformed("a producer that is not UTF-8") }
        let header = Header(
            kind: kind, flags: flags, sequence: sequence, session: session, recordedAt: recordedAt,
            monotonicAt: monotonicAt, cause: cause, basis: basis, stream: stream, entryID: entryID,
            keyLength: keyLength, traceLength: traceLength, producerLength: producerLength, bodyLength: bodyLength,
            content: content, hash: hash)
        return Record(
            header: header, key: try key, traceID: try traceID(), producer: producer, body: bytes.array(bodyRange))
    }
}

/// A record, owned.
package struct Record: Hashable, Sendable {
    package let header: Header
    package let key: IdempotencyKey?
    package let traceID: String
    package let producer: String
    package let body: [UInt8]

    package init(header: Header, key: IdempotencyKey?, traceID: String, producer: String, body: [UInt8]) {
        self.header = header
        self.key = key
        self.traceID = traceID
        self.producer = producer
        self.body = body
    }

    package var sequence: SequenceNumber { header.sequence }
    package var kind: Kind { header.kind }

    package func fields() throws(RecordError) -> FieldMap { try Body.fields(body.span.bytes) }
    package func typed() throws(RecordError) -> [UInt8] { body.span.bytes.array(try Body.parts(body.span.bytes).typed) }
}
