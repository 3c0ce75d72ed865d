// One thing to look for, as the search index knows it: 64 bits of a field and its text or number. Two that meet
// by chance cost a look at a record too many: whoever asks compares every record that the index names.

package import Records

package struct SearchTerm: Hashable, Sendable {
    package let hash: UInt64

    package init(_ field: SearchField, _ text: [UInt8]) {
        hash = text.withUnsafeBytes { SearchTerm.hash(field, $0) }
    }

    package init(_ field: SearchField, _ bytes: UnsafeRawBufferPointer) {
        hash = SearchTerm.hash(field, bytes)
    }

    package init(_ field: SearchField, _ number: UInt64) {
        hash = SearchTerm.mixed(SearchTerm.seed(field, byteCount: 8), number)
    }

    package static func kind(_ kind: Kind) -> SearchTerm { SearchTerm(.kind, UInt64(kind.rawValue)) }
    package static func stream(_ stream: StreamNumber) -> SearchTerm { SearchTerm(.stream, UInt64(stream.rawValue)) }
    package static func cause(_ cause: SequenceNumber) -> SearchTerm { SearchTerm(.cause, cause.rawValue) }

    /// All terms of a record.
    package static func each(of record: borrowing RecordView, _ body: (SearchTerm) -> Void) {
        body(.kind(record.kind))
        if record.stream != .none { body(.stream(record.stream)) }
        if !record.cause.isNone { body(.cause(record.cause)) }
        SearchTerms.each(of: record) { field, bytes in body(SearchTerm(field, bytes)) }
    }

    /// Of ASCII letters.
    static func capital(_ byte: UInt8) -> UInt8 { (0x61...0x7a).contains(byte) ? byte - 0x20 : byte }

    // MARK: The hash. Its bytes are on disk: a change is a new version of the index.

    private static func hash(_ field: SearchField, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var state = seed(field, byteCount: bytes.count)
        var place = 0
        while place < bytes.count {
            var word: UInt64 = 0
            for byte in bytes[place..<min(place + 8, bytes.count)] {
                word = word << 8 | UInt64(field == .symbol ? capital(byte) : byte)
            }
            state = mixed(state, word)
            place += 8
        }
        return state
    }

    private static func seed(_ field: SearchField, byteCount: Int) -> UInt64 {
        mixed(0x9e37_79b9_7f4a_7c15, UInt64(byteCount) << 8 | UInt64(field.rawValue))
    }

    /// Both halves of a 128-bit product, as in wyhash.
    package static func mixed(_ state: UInt64, _ word: UInt64) -> UInt64 {
        let product = (state ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(by: word ^ 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low ^ state &* 0x8ebc_6af0_9c88_c6e3
    }
}
