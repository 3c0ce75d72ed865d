// When runs of the search index are merged. Pure.

internal import Records

/// Which runs become one: where eight of one size stand together, with smaller ones among them perhaps, all of that
/// stretch. So each record is written again once for each eightfold growth of the log.
enum SearchMerge {
    static func next(_ records: [UInt64], least: UInt64) -> Range<Int>? {
        let sizes = records.map { size($0, least: least) }
        for size in 0...(sizes.max() ?? 0) {
            if let range = stretch(sizes, size) { return range }
        }
        return records.count > Limits.searchRunsMax ? records.count / 2..<records.count : nil
    }

    /// How often the least size grew eightfold.
    private static func size(_ records: UInt64, least: UInt64) -> Int {
        var (size, bound) = (0, least * UInt64(Limits.searchRunsPerMerge))
        while records >= bound {
            size += 1
            let (next, isOver) = bound.multipliedReportingOverflow(by: UInt64(Limits.searchRunsPerMerge))
            if isOver { break }
            bound = next
        }
        return size
    }

    private static func stretch(_ sizes: [Int], _ size: Int) -> Range<Int>? {
        var start = 0
        var equal = 0
        for place in 0...sizes.count {
            if place < sizes.count, sizes[place] <= size {
                equal += sizes[place] == size ? 1 : 0
                if equal == Limits.searchRunsPerMerge { return start..<place + 1 }
            } else {
                (start, equal) = (place + 1, 0)
            }
        }
        return nil
    }
}
