// Names and keys that callers give: checked once, here, against their bounds.

/// A draft, a name or a key breaks a bound or a rule; nothing was written. `field` says which.
package struct BoundError: Error, Equatable, Sendable, CustomStringConvertible {
    package let field: String
    package let problem: String

    package init(_ field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }

    package var description: String { "\(field): \(problem)" }

    /// Throws unless `text` has 1…`max` bytes of UTF-8 and no control characters.
    package static func check(_ text: String, _ field: String, max: Int) throws(BoundError) {
        guard !text.isEmpty else { throw BoundError(field, "must not be empty") }
        try checkOptional(text, field, max: max)
    }

    /// As `check`, but empty is allowed.
    package static func checkOptional(_ text: String, _ field: String, max: Int) throws(BoundError) {
        let count = text.utf8.count
        guard count <= max else { throw BoundError(field, "\(count) bytes, at most \(max) are allowed") }
        func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f }
        let isAllPlain = text.utf8.withContiguousStorageIfAvailable { $0.allSatisfy(isPlain) }
        guard isAllPlain ?? text.utf8.allSatisfy(isPlain) else {
            throw BoundError(field, "must not hold control characters")
        }
    }
}

/// The canonical name of a stream. Aliases are resolved before a draft is made. Equal by its bytes, as on the
/// disk: to Swift's String, `é` in one scalar and in two are one text.
package struct StreamName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(BoundError) {
        try BoundError.check(text, "stream", max: Limits.streamNameBytesMax)
        self.text = text
    }

    /// For names written in our own source.
    package init(literal text: StaticString) {
        self.text = text.description
    }

    package var description: String { text }
    package static func == (a: StreamName, b: StreamName) -> Bool {
        let (one, other) = (a.text.utf8, b.text.utf8)
        guard one.count == other.count else { return false }
        let isEqual = one.withContiguousStorageIfAvailable { one in
            other.withContiguousStorageIfAvailable { one.elementsEqual($0) }
        }
        return (isEqual ?? nil) ?? one.elementsEqual(other)
    }
    package static func < (a: StreamName, b: StreamName) -> Bool {
        a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
    }
    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// A stream's number in one log, given by its `stream.created` record. Zero: no stream.
package struct StreamNumber: Hashable, Comparable, Sendable {
    package var rawValue: UInt32
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }
    package static let none = StreamNumber(0)
    package static func < (a: StreamNumber, b: StreamNumber) -> Bool { a.rawValue < b.rawValue }
}

/// Names one record for ever. Backstop's own keys carry their kind (`trade.intent/<trace id>`);
/// a user's key lives in the namespace of its stream (`user/<canonical stream>/<key>`).
package enum IdempotencyKey: Hashable, Sendable {
    case own(String)
    case user(String)

    package var text: String {
        switch self {
        case .own(let text), .user(let text): text
        }
    }

    package var isUser: Bool {
        switch self {
        case .own: false
        case .user: true
        }
    }

    package func check() throws(BoundError) {
        try BoundError.check(text, "key", max: Limits.keyBytesMax)
        if case .own(let text) = self, text.hasPrefix("user/") {
            throw BoundError("key", "an own key must not begin with user/")
        }
    }

    /// The whole name, for people: namespace, then key.
    package func qualified(stream: StreamName?) -> String {
        switch self {
        case .own(let text): text
        case .user(let text): "user/\(stream?.text ?? "")/\(text)"
        }
    }

    /// What the key index knows: the first 16 bytes of SHA-256(length and text of the namespace ‖ key). The
    /// length keeps stream `a/b` with key `c` apart from stream `a` with key `b/c`.
    package func hash(stream: StreamName?) -> KeyHash {
        let isHashed = text.utf8.withContiguousStorageIfAvailable { key in
            KeyHash(namespaceOf: isUser ? stream?.text ?? "" : nil, key: UnsafeRawBufferPointer(key))
        }
        // A text that is not in one piece is put into one.
        return isHashed
            ?? Array(text.utf8).withUnsafeBytes { key in
                KeyHash(namespaceOf: isUser ? stream?.text ?? "" : nil, key: key)
            }
    }
}

/// 16 bytes of a key's SHA-256. A hit is verified against the record.
package struct KeyHash: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(_ digest: Digest) {
        (high, low) = digest.firstWords
    }

    /// Of length and text of the namespace, a stream's or the log's own (nil), and the key.
    fileprivate init(namespaceOf stream: String?, key: UnsafeRawBufferPointer) {
        self.init(
            Digest.sha256(after: key, 24 + (stream?.utf8.count ?? 0)) { room in
                guard let stream else { return room.varint(0) }
                let begin: StaticString = "user/"
                room.varint(UInt64(begin.utf8CodeUnitCount + stream.utf8.count))
                begin.withUTF8Buffer { room.raw(UnsafeRawBufferPointer($0)) }
                room.raw(stream.utf8)
            })
    }

    /// The hash of a record's key: `key[range]` in the stream's namespace, or in the log's own.
    package init(namespaceOf stream: StreamName?, key: RawSpan, _ range: Range<Int>) {
        self = key.extracting(range).withUnsafeBytes { KeyHash(namespaceOf: stream?.text, key: $0) }
    }

    package var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.ordered(high)
        writer.ordered(low)
        return writer.bytes
    }
}
