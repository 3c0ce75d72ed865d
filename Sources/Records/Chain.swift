// The hash chain: each record's hash covers the record before it, from the log id on. A changed, missing
// or inserted record is found; a log that was cut off or rewritten shows only against a head kept elsewhere.

package enum Chain {
    /// SHA-256(previous ‖ header without hash ‖ tail digest).
    package static func hash(previous: Digest, header: [UInt8], tailDigest: Digest) -> Digest {
        precondition(header.count == Header.Offset.hash, "a header without its hash has \(Header.Offset.hash) bytes")
        return hash(previous: previous, tailDigest: tailDigest) { $0.copyBytes(from: header) }
    }

    /// As above; `fill` writes the header without its hash.
    package static func hash(
        previous: Digest, tailDigest: Digest, header fill: (UnsafeMutableRawBufferPointer) -> Void
    ) -> Digest {
        let count = Digest.byteCount + Header.Offset.hash + Digest.byteCount
        return withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { room in
            previous.write(to: room, at: 0)
            fill(UnsafeMutableRawBufferPointer(rebasing: room[Digest.byteCount..<count - Digest.byteCount]))
            tailDigest.write(to: room, at: count - Digest.byteCount)
            return Digest.sha256(UnsafeRawBufferPointer(room))
        }
    }

    /// What the record's hash must be after `previous`.
    package static func expected(_ record: borrowing RecordView, previous: Digest) -> Digest {
        let header = record.bytes.array(0..<Header.Offset.hash)
        let tail = record.bytes.extracting(Header.byteCount..<record.bytes.byteCount)
        return hash(previous: previous, header: header, tailDigest: tail.withUnsafeBytes { Digest.sha256($0) })
    }
}

/// The log's end: what to keep elsewhere, so that a cut or rewritten log shows.
package struct Head: Hashable, Sendable, CustomStringConvertible {
    package let sequence: SequenceNumber
    package let hash: Digest
    package init(sequence: SequenceNumber, hash: Digest) {
        self.sequence = sequence
        self.hash = hash
    }

    /// `N:HASH`, as `verify --head` takes it.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let number = UInt64(parts[0]), let hash = Digest(hex: String(parts[1])) else {
            return nil
        }
        self.init(sequence: SequenceNumber(number), hash: hash)
    }

    package var description: String { "\(sequence):\(hash)" }
}
