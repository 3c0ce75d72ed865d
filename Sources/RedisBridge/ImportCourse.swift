// What the import does next: pure. Each stream goes its own way: its group is made, then what any consumer of the group
// left pending is taken over (there is one bridge, so the others are dead), then new entries are read. A stream whose
// entries the log does not take waits, and holds up no other.

internal import Records

struct ImportCourse: Equatable, Sendable {
    enum Phase: Equatable {
        case withoutGroup
        case claiming(from: EntryID)
        case reading
        /// Its entries stay pending in Redis; then they are claimed.
        case waiting(until: BootInstant)
    }
    enum Step: Equatable {
        case makeGroup(Int)
        case claim(Int, from: EntryID, count: Int)
        /// One entry that is over the caps: its id is asked for, and it is recorded as refused.
        case passOver(Int, from: EntryID)
        /// New entries of these streams. Blocks, so nothing else may be due.
        case read([Int], count: Int)
        case wait(milliseconds: Int64)
    }

    private(set) var phases: [Phase]
    /// Entries of one stream in one answer: halved where an answer was too large, doubled where one was not.
    private(set) var count = Limits.bridgeReadEntriesMax
    /// The last answer to this question was over the caps, with one entry in it.
    private var isOverWithOne = false

    init(streams: Int) { phases = Array(repeating: .withoutGroup, count: streams) }

    func next(at now: BootInstant) -> Step {
        for (place, phase) in phases.enumerated() {
            switch phase {
            case .withoutGroup: return .makeGroup(place)
            case .claiming(let from):
                return isOverWithOne ? .passOver(place, from: from) : .claim(place, from: from, count: count)
            case .waiting(let until) where until <= now: return .claim(place, from: .zero, count: count)
            case .waiting, .reading: continue
            }
        }
        let reading = phases.indices.filter { phases[$0] == .reading }
        if !reading.isEmpty { return .read(reading, count: count) }
        return .wait(milliseconds: Limits.bridgeWaitMilliseconds)
    }

    // MARK: What happened

    /// Also where groups are gone.
    mutating func connected() {
        phases = phases.map { _ in .withoutGroup }
    }

    mutating func groupMade(_ place: Int) { phases[place] = .claiming(from: .zero) }

    /// - Parameter cursor: XAUTOCLAIM's; zero at the end.
    mutating func claimed(_ place: Int, cursor: EntryID) {
        phases[place] = cursor == .zero ? .reading : .claiming(from: cursor)
        grew()
    }

    mutating func passedOver(_ place: Int, cursor: EntryID) {
        isOverWithOne = false
        phases[place] = cursor == .zero ? .reading : .claiming(from: cursor)
    }

    mutating func read() { grew() }

    /// The log takes nothing more of it for now.
    mutating func wait(_ place: Int, at now: BootInstant) {
        let pause = UInt64(Limits.bridgeWaitMilliseconds) * 1_000_000
        phases[place] = .waiting(until: BootInstant(nanoseconds: now.nanoseconds + pause))
    }

    /// The connection is over. Whatever was read is pending, so it is claimed next.
    mutating func tooLarge(_ step: Step) {
        if case .claim(_, _, let asked) = step, asked == 1 { isOverWithOne = true }
        count = max(1, count / 2)
    }

    private mutating func grew() { count = min(count * 2, Limits.bridgeReadEntriesMax) }
}
