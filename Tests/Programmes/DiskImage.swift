// A data file as a disk could hold it after the power went: what was synced is there, and of what was not, any
// part. It follows a trace call by call; at each point it gives as many states as one asks for.

/// Which flushes of the trace count.
enum Flushes: String, CaseIterable {
    /// As they were made.
    case asMade
    /// As under MDB_NOMETASYNC: the meta page is written like any other.
    case noMetaSync
    /// As under MDB_NOSYNC: none is made.
    case noSync
}

/// What survives of the writes that were not synced.
enum Survival: Equatable {
    case nothing, everything
    /// Each write or not.
    case writes
    /// Each aligned unit of so many bytes or not.
    case units(Int)
}

struct DiskImage {
    /// What happens to the file, one step of the trace after another. A write that syncs by itself is two.
    enum Step {
        case write(offset: Int, bytes: Range<Int>)
        case syncAll
        /// The last write.
        case syncLast
        /// A sync that failed, or was not made and said that it was: the kernel calls the pages clean now, and no later sync writes them.
        case forgetAll
        case truncate(Int)
        case mark
    }

    private struct Write {
        let offset: Int
        let bytes: Range<Int>
        var end: Int { offset + bytes.count }
    }

    private static let pageBytes = 4_096

    private let source: [UInt8]
    private(set) var durable: [UInt8]
    /// The file as processes see it: the kernel's pages. A sync writes whole pages, with whatever stands in them.
    private var cached: [UInt8]
    private var unsynced: [Write] = []
    private(set) var marks = 0

    init(base: [UInt8], source: [UInt8]) {
        durable = base
        cached = base
        self.source = source
    }

    static func steps(_ trace: CallTrace, of file: String, _ flushes: Flushes) -> [Step] {
        guard let path = trace.paths.firstIndex(of: file) else { return [] }
        var steps: [Step] = []
        for event in trace.events {
            if event.kind == .mark { steps.append(.mark) }
            if event.path == path { steps += DiskImage.steps(event, flushes) }
        }
        return steps
    }

    /// What one call does to the file that it is about.
    static func steps(_ event: CallTrace.Event, _ flushes: Flushes) -> [Step] {
        switch event.kind {
        case .write where !event.bytes.isEmpty:
            let write = Step.write(offset: event.offset, bytes: event.bytes)
            return event.isSynced && flushes == .asMade ? [write, .syncLast] : [write]
        case .sync where event.error != 0 || event.isInjected: return [.forgetAll]
        case .sync where event.isSynced && flushes != .noSync: return [.syncAll]
        case .truncate where event.error == 0: return [.truncate(event.offset)]
        default: return []
        }
    }

    mutating func take(_ step: Step) {
        switch step {
        case .write(let offset, let bytes):
            let write = Write(offset: offset, bytes: bytes)
            unsynced.append(write)
            DiskImage.copy(source, bytes.lowerBound, &cached, offset, bytes.count)
        case .syncAll:
            for write in unsynced { flush(write) }
            unsynced.removeAll(keepingCapacity: true)
        case .syncLast:
            guard let last = unsynced.popLast() else { return }
            flush(last)
            unsynced.removeAll { $0.offset < last.end && last.offset < $0.end }
        case .forgetAll: unsynced.removeAll(keepingCapacity: true)
        case .truncate(let count):
            if count < durable.count { durable.removeLast(durable.count - count) }
            if count < cached.count { cached.removeLast(cached.count - count) }
        case .mark: marks += 1
        }
    }

    /// As `take`, for counting alone: no byte is moved.
    mutating func follow(_ step: Step) {
        switch step {
        case .syncAll: unsynced.removeAll(keepingCapacity: true)
        case .syncLast: unsynced.removeLast()
        case .write(let offset, let bytes): unsynced.append(Write(offset: offset, bytes: bytes))
        case .forgetAll: unsynced.removeAll(keepingCapacity: true)
        case .truncate, .mark: break
        }
    }

    private mutating func flush(_ write: Write) {
        let first = write.offset / DiskImage.pageBytes * DiskImage.pageBytes
        let pastEnd = min(
            cached.count, (write.end + DiskImage.pageBytes - 1) / DiskImage.pageBytes * DiskImage.pageBytes)
        DiskImage.copy(cached, first, &durable, first, pastEnd - first)
    }

    /// Grows `to` where it is too short.
    private static func copy(_ from: [UInt8], _ fromPlace: Int, _ to: inout [UInt8], _ place: Int, _ count: Int) {
        if to.count < place + count { to.append(contentsOf: repeatElement(0, count: place + count - to.count)) }
        from.withUnsafeBytes { from in
            to.withUnsafeMutableBytes { to in
                UnsafeMutableRawBufferPointer(rebasing: to[place..<place + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[fromPlace..<fromPlace + count]))
            }
        }
    }

    /// How many writes are not synced.
    var unsyncedCount: Int { unsynced.count }
    /// Whether the last write is to a meta page.
    var endsInMetaPage: Bool { unsynced.last.map { $0.end <= 8_192 } ?? false }

    /// A file that the disk could hold now.
    func state(_ survival: Survival, _ random: inout SeededGenerator) -> [UInt8] {
        var state = durable
        let whole = unsynced.map(\.end).max() ?? 0
        // The file's new length may be on disk before its bytes are.
        let isLengthKept = survival == .everything || (survival != .nothing && random.next() & 1 == 0)
        let likely = [1, 4, 7][Int(random.next() % 3)]
        var kept: [(from: Int, to: Int, count: Int)] = []
        for write in unsynced {
            switch survival {
            case .nothing: break
            case .everything: kept.append((write.bytes.lowerBound, write.offset, write.bytes.count))
            case .writes:
                if Int(random.next() & 7) <= likely {
                    kept.append((write.bytes.lowerBound, write.offset, write.bytes.count))
                }
            case .units(let unit):
                DiskImage.units(of: write.offset..<write.end, unit, likely, &random) { range in
                    kept.append(
                        (write.bytes.lowerBound + range.lowerBound - write.offset, range.lowerBound, range.count))
                }
            }
        }
        let length = max(state.count, isLengthKept ? whole : 0, kept.map { $0.to + $0.count }.max() ?? 0)
        state.append(contentsOf: repeatElement(0, count: length - state.count))
        for part in kept { DiskImage.copy(source, part.from, &state, part.to, part.count) }
        return state
    }

    /// The aligned units of `range` that survive.
    private static func units(
        of range: Range<Int>, _ unit: Int, _ likely: Int, _ random: inout SeededGenerator, _ keep: (Range<Int>) -> Void
    ) {
        var place = range.lowerBound
        var bits = random.next()
        var left = 21
        while place < range.upperBound {
            let end = min(range.upperBound, (place / unit + 1) * unit)
            if Int(bits & 7) <= likely { keep(place..<end) }
            bits >>= 3
            left -= 1
            if left == 0 { (bits, left) = (random.next(), 21) }
            place = end
        }
    }
}
