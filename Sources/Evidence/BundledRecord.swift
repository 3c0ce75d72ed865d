// One record in a bundle: all its bytes, so that anybody can compute its hash, or, where it holds a secret, its header and
// the digest of the rest, which are enough for the chain.

internal import Events
package import Records

package struct BundledRecord: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        case whole([UInt8])
        /// Header without its hash, digest of what follows it, and why the rest is not here.
        case withheld(header: [UInt8], tail: Digest, reason: String)
    }

    package let sequence: SequenceNumber
    /// Why it is evidence; sorted.
    package let why: [Reason]
    package let previous: Digest
    package let hash: Digest
    package let content: Content

    package enum Reason: String, CaseIterable, Comparable, Sendable {
        case subject, cause, effect, trace, configuration, session, stream, reference
        package static func < (a: Reason, b: Reason) -> Bool { a.rawValue < b.rawValue }

        /// Part of what happened; the others say what was in force then.
        var isEvent: Bool {
            switch self {
            case .subject, .cause, .effect, .trace: true
            case .configuration, .session, .stream, .reference: false
            }
        }
    }

    var isEvent: Bool { why.contains { $0.isEvent } }

    /// The header's first 120 bytes and the digest of the tail: what its hash is made of.
    var link: [UInt8] {
        switch content {
        case .whole(let bytes):
            Array(bytes[..<Header.Offset.hash]) + Digest.sha256(Array(bytes[Header.byteCount...])).bytes
        case .withheld(let header, let tail, _): header + tail.bytes
        }
    }

    // MARK: As a line

    func json(_ shown: JSONValue) -> JSONValue {
        var members = [
            JSONMember("seq", .number("\(sequence)")), JSONMember("why", .array(why.map { .string($0.rawValue) })),
            JSONMember("previous", .string(previous.hex)), JSONMember("hash", .string(hash.hex)),
        ]
        switch content {
        case .whole(let bytes): members.append(JSONMember("bytes", .string(Hex.encode(bytes))))
        case .withheld(let header, let tail, let reason):
            members.append(JSONMember("header", .string(Hex.encode(header))))
            members.append(JSONMember("tail", .string(tail.hex)))
            members.append(JSONMember("withheld", .string(reason)))
        }
        return .object(members + [JSONMember("shown", shown)])
    }

    init(
        sequence: SequenceNumber, why: [Reason], previous: Digest, hash: Digest, content: Content
    ) {
        (self.sequence, self.why, self.previous, self.hash, self.content) = (sequence, why, previous, hash, content)
    }

    init(reading line: JSONValue) throws(BundleError) {
        let fields = BundleFields(line, "records.jsonl")
        var why: [Reason] = []
        for word in try fields.texts("why") {
            guard let reason = Reason(rawValue: word) else { throw fields.wrong("why") }
            why.append(reason)
        }
        let content: Content
        if line["bytes"] != nil {
            let bytes = try fields.bytes("bytes", max: Header.byteCount + Limits.bundledTailBytesMax)
            guard bytes.count >= Header.byteCount else { throw fields.wrong("bytes") }
            content = .whole(bytes)
        } else {
            let header = try fields.bytes("header", max: Header.Offset.hash)
            guard header.count == Header.Offset.hash else { throw fields.wrong("header") }
            content = .withheld(header: header, tail: try fields.digest("tail"), reason: try fields.text("withheld"))
        }
        self.init(
            sequence: SequenceNumber(try fields.number("seq")), why: why, previous: try fields.digest("previous"),
            hash: try fields.digest("hash"), content: content)
    }

    // MARK: Checking

    /// What is wrong with it by itself, or nil.
    var problem: String? {
        switch content {
        case .whole(let bytes):
            do {
                let view = try RecordView(checking: bytes.span.bytes)
                guard view.sequence == sequence else { return "its bytes are record \(view.sequence)" }
                guard view.hash == hash else { return "its bytes bear another hash" }
            } catch { return "\(error)" }
        case .withheld(let header, _, _):
            guard header.span.bytes.loadUInt64(at: Header.Offset.sequence) == sequence.rawValue else {
                return "its header is another record's"
            }
        }
        let link = link
        let computed = Chain.hash(
            previous: previous, header: Array(link[..<Header.Offset.hash]),
            tailDigest: Digest(link.span.bytes, at: Header.Offset.hash))
        return computed == hash ? nil : "its bytes do not give its hash"
    }
}

/// Members of a JSON object, each of the type that it must have.
struct BundleFields {
    private let value: JSONValue
    private let file: String

    init(_ value: JSONValue, _ file: String) {
        self.value = value
        self.file = file
    }

    func wrong(_ name: String) -> BundleError { .altered("\(file): \(name) is missing, or not what it must be") }

    func text(_ name: String) throws(BundleError) -> String {
        guard case .string(let text) = value[name] else { throw wrong(name) }
        return text
    }

    func texts(_ name: String) throws(BundleError) -> [String] {
        guard case .array(let items) = value[name] else { throw wrong(name) }
        var texts: [String] = []
        for item in items {
            guard case .string(let text) = item else { throw wrong(name) }
            texts.append(text)
        }
        return texts
    }

    func number(_ name: String) throws(BundleError) -> UInt64 {
        guard case .number(let text) = value[name], let number = UInt64(text) else { throw wrong(name) }
        return number
    }

    func digest(_ name: String) throws(BundleError) -> Digest {
        guard let digest = Digest(hex: try text(name)) else { throw wrong(name) }
        return digest
    }

    func head(_ name: String) throws(BundleError) -> Head {
        guard let head = Head(try text(name)) else { throw wrong(name) }
        return head
    }

    func id(_ name: String) throws(BundleError) -> LogID {
        guard let id = LogID(hex: try text(name)) else { throw wrong(name) }
        return id
    }

    func bytes(_ name: String, max: Int) throws(BundleError) -> [UInt8] {
        let text = try text(name)
        guard text.utf8.count <= 2 * max, let bytes = Hex.decode(text) else { throw wrong(name) }
        return bytes
    }

    func object(_ name: String) throws(BundleError) -> JSONValue {
        guard let value = value[name], case .object = value else { throw wrong(name) }
        return value
    }
}
