// Walking the chain: each record's number must follow, and its hash must be what its bytes give.

package import Records

package struct ChainCheck {
    package private(set) var head: Head

    package init(after sequence: SequenceNumber, hash: Digest) {
        head = Head(sequence: sequence, hash: hash)
    }

    /// What is wrong with the next record, or nil; then it is the head.
    package mutating func problem(_ record: borrowing RecordView) -> String? {
        let expected = head.sequence.next
        guard record.sequence == expected else {
            return "record \(expected) is missing or out of place: \(record.sequence) stands there"
        }
        guard Chain.expected(record, previous: head.hash) == record.hash else {
            return "record \(expected) does not match its hash: it or its predecessor was changed"
        }
        head = Head(sequence: expected, hash: record.hash)
        return nil
    }
}
