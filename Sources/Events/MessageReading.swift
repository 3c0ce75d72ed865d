// From a record's view straight to its message, without a copy of the bytes: what folds use, millions of
// times. Fields that this version does not know are skipped; the record keeps them.
// It must never read a message leniently: bytes that are not of that message are an error.

package import Records
package import SwiftProtobuf

extension Message {
    /// The typed message of `record`, which must be of that kind.
    package init(reading record: borrowing RecordView) throws(RecordError) {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        let bytes = try record.typed
        do {
            try self.init(serializedBytes: bytes, options: options)
        } catch {
            throw .malformed("record \(record.sequence): not a readable \(Self.protoMessageName): \(error)")
        }
    }
}

extension ExactDecimal {
    /// A decimal that was checked when its record was appended.
    package init(stored event: EventDecimal) throws(RecordError) {
        do {
            try self.init(event)
        } catch {
            throw .malformed(error.description)
        }
    }
}
