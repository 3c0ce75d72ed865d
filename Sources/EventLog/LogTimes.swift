// From a time to a place. No record's stamp is less than the one before it, so a time is found by halving.

internal import LMDB
package import Records

extension LogSnapshot {
    /// The first record that was recorded at `time` or later; the one after the head where there is none.
    package func first(recordedAt time: Timestamp) throws -> SequenceNumber {
        var low: UInt64 = 1
        var high = try head().sequence.rawValue + 1
        while low < high {
            let middle = low + (high - low) / 2
            if try recordedAt(SequenceNumber(middle)) < time { low = middle + 1 } else { high = middle }
        }
        return SequenceNumber(low)
    }

    private func recordedAt(_ sequence: SequenceNumber) throws -> Timestamp {
        guard let bytes = try transaction.get(tables.records, sequence.rawValue) else {
            throw LogError.damaged("record \(sequence) is missing")
        }
        do { return try RecordView(checking: bytes).recordedAt } catch {
            throw LogError.damaged("record \(sequence): \(error)")
        }
    }
}
