// The log's state at one sequence in a bundle: a digest for each projection; the bytes stand once under their digest.

internal import Domain
internal import Events
package import Records

package struct BundledState: Equatable, Sendable {
    package let asOf: SequenceNumber
    /// Of the projections, in the order of the encoding.
    package let parts: [Digest]

    init(asOf: SequenceNumber, parts: [Digest]) {
        self.asOf = asOf
        self.parts = parts
    }

    var json: JSONValue {
        .object([
            JSONMember("as_of", .number("\(asOf)")), JSONMember("parts", .array(parts.map { .string($0.hex) })),
        ])
    }

    init(reading line: JSONValue) throws(BundleError) {
        let fields = BundleFields(line, "states.jsonl")
        var parts: [Digest] = []
        for text in try fields.texts("parts") {
            guard let digest = Digest(hex: text) else { throw fields.wrong("parts") }
            parts.append(digest)
        }
        self.init(asOf: SequenceNumber(try fields.number("as_of")), parts: parts)
    }
}

/// One projection's bytes; without them where they hold a secret.
struct BundledPart: Equatable, Sendable {
    let name: String
    let version: UInt32
    let digest: Digest
    let bytes: [UInt8]?

    init(name: String, version: UInt32, digest: Digest, bytes: [UInt8]?) {
        (self.name, self.version, self.digest, self.bytes) = (name, version, digest, bytes)
    }

    var encoded: EncodedPart? { bytes.map { EncodedPart(name: name, version: version, bytes: $0) } }

    var json: JSONValue {
        .object([
            JSONMember("digest", .string(digest.hex)), JSONMember("name", .string(name)),
            JSONMember("version", .number("\(version)")),
            JSONMember("bytes", bytes.map { .string(Hex.encode($0)) } ?? .null),
        ])
    }

    init(reading line: JSONValue) throws(BundleError) {
        let fields = BundleFields(line, "parts.jsonl")
        guard let version = UInt32(exactly: try fields.number("version")) else { throw fields.wrong("version") }
        let bytes = line["bytes"] == .null ? nil : try fields.bytes("bytes", max: Limits.bundleBytesMax)
        self.init(
            name: try fields.text("name"), version: version, digest: try fields.digest("digest"), bytes: bytes)
    }
}
