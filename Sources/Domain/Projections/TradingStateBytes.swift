// Bytes of the parts of TradingState.

package import Records

extension HaltDetails: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.sized(reason)
        writer.sized(source)
        sequence.write(to: &writer)
        haltedAt.write(to: &writer)
        panic.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        let (reason, source) = (try reader.text(), try reader.text())
        let sequence = try SequenceNumber(from: &reader)
        let haltedAt = try Moment(from: &reader)
        self.init(
            reason: reason, source: source, sequence: sequence, haltedAt: haltedAt,
            panic: try SequenceNumber(from: &reader))
    }
}

extension ReducingCause: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.sized(cause)
        writer.sized(detail)
        sequence.write(to: &writer)
        raisedAt.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        cause = try reader.text()
        detail = try reader.text()
        sequence = try SequenceNumber(from: &reader)
        raisedAt = try Moment(from: &reader)
    }
}

extension ResumeDetails: Stored {
    package func write(to writer: inout ByteWriter) {
        sequence.write(to: &writer)
        writer.sized(`operator`)
        writer.sized(reason)
        resumedAt.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        sequence = try SequenceNumber(from: &reader)
        `operator` = try reader.text()
        reason = try reader.text()
        resumedAt = try Moment(from: &reader)
    }
}

extension GuardedSymbol: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.sized(symbol)
        request.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        symbol = try reader.text()
        request = try SequenceNumber(from: &reader)
    }
}
