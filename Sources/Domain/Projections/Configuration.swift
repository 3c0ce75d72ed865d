// The settings in force: the last `config.applied`. Decisions name its sequence, so that an audit can
// compute them again with the settings that they used.

internal import Events
package import Records

package struct Configuration: Projection {
    package static let name = "configuration"
    package static let version: UInt32 = 1
    package static let kinds = [EventKind.configApplied.kind]

    package struct Setting: Hashable, Sendable {
        package let name: String
        package let value: String
        /// default, file, environment, option
        package let source: String
    }

    /// None: nothing was applied yet.
    package private(set) var sequence = SequenceNumber.none
    /// Sorted by name.
    package private(set) var settings: [Setting] = []

    package init() {}

    package subscript(name: String) -> String? { settings.first { $0.name == name }?.value }

    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        guard record.kind == EventKind.configApplied.kind else { return }
        let message = try EventConfigApplied(reading: record)
        sequence = record.sequence
        settings = message.settings
            .map { Setting(name: $0.name, value: $0.value, source: $0.source) }
            .sorted { ($0.name, $0.value, $0.source) < ($1.name, $1.value, $1.source) }
    }
}

extension Configuration {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        sequence.write(to: &writer)
        writer.list(settings)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        sequence = try SequenceNumber(from: &reader)
        settings = try reader.list(max: Limits.bodyBytesMax)
        try reader.finish()
    }
}

extension Configuration.Setting: Stored {
    package func write(to writer: inout ByteWriter) {
        for text in [name, value, source] { writer.sized(text) }
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        name = try reader.text()
        value = try reader.text()
        source = try reader.text()
    }
}
