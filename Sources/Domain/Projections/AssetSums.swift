// Sums by asset: what fees are. Kept as a small sorted array, so that its order is part of the value.
// Sums of different assets must never be added together.

package import Events
package import Records

package struct AssetSums: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let asset: String
        package fileprivate(set) var sum: ExactSum
    }

    /// Sorted by asset, each once.
    package private(set) var all: [Entry] = []

    package init() {}

    package subscript(asset: String) -> ExactSum {
        all.first { $0.asset == asset }?.sum ?? .zero
    }

    package mutating func add(_ amount: ExactDecimal, of asset: String) throws(DecimalError) {
        if amount.isZero { return }
        guard let index = all.firstIndex(where: { asset <= $0.asset }), all[index].asset == asset else {
            let place = all.firstIndex { asset < $0.asset } ?? all.endIndex
            all.insert(Entry(asset: asset, sum: ExactSum(amount)), at: place)
            return
        }
        all[index].sum = try all[index].sum.adding(ExactSum(amount))
    }
}

extension AssetSums: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.varint(UInt64(all.count))
        for entry in all {
            writer.sized(entry.asset)
            entry.sum.write(to: &writer)
        }
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        for _ in 0..<(try reader.count(max: Limits.bodyBytesMax)) {
            let asset = try reader.text()
            if let last = all.last, !(last.asset < asset) { throw .malformed("sums that are not sorted by asset") }
            all.append(Entry(asset: asset, sum: try ExactSum(from: &reader)))
        }
    }
}
