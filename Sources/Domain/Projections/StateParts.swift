// A state as its projections' bytes, each under its digest, and back: for evidence that others check without the log.

package import Records

/// One projection's bytes.
package struct EncodedPart: Hashable, Sendable {
    package let name: String
    package let version: UInt32
    package let bytes: [UInt8]

    package init(name: String, version: UInt32, bytes: [UInt8]) {
        self.name = name
        self.version = version
        self.bytes = bytes
    }

    /// As `Projection.digest`.
    package var digest: Digest {
        var writer = ByteWriter()
        writer.sized(name)
        writer.fixed(version)
        writer.raw(bytes)
        return Digest.sha256(writer.bytes)
    }
}

extension State {
    /// All projections, by the order of the encoding.
    package var encodedParts: [EncodedPart] {
        [
            encoded(positions), encoded(attested), encoded(orders), encoded(intents), encoded(trading),
            encoded(heartbeats), encoded(configuration),
        ]
    }

    private func encoded<Part: Projection>(_ projection: Part) -> EncodedPart {
        EncodedPart(name: Part.name, version: Part.version, bytes: projection.encode())
    }

    /// Throws for parts that this version cannot have made, or that are not all there.
    package init(asOf: SequenceNumber, parts: [EncodedPart]) throws(RecordError) {
        var writer = ByteWriter()
        asOf.write(to: &writer)
        for part in parts {
            writer.sized(part.name)
            writer.fixed(part.version)
            writer.fixed(UInt64(part.bytes.count))
            writer.raw(part.bytes)
        }
        try self.init(decoding: writer.bytes)
    }
}
