// Causes and effects of one record: up to where it all began, then everything that followed, as a tree. Bounded:
// effects are found through the index, level by level, and beyond it by one look at each record; what is left out
// is said.

import EventLog
import Events
import Records
import Services

struct CausalTree {
    struct Node {
        let sequence: SequenceNumber
        let indent: String
    }
    private(set) var nodes: [Node] = []
    /// What is not shown, for people; nil: nothing.
    private(set) var cut: String?
    private let recordsMax: Int
    private var children: [SequenceNumber: [SequenceNumber]] = [:]
    private var known: Set<SequenceNumber> = []

    /// Nil where there is no such record.
    init?(of sequence: SequenceNumber, in log: EventLog, index: SearchIndex?, recordsMax: Int) throws {
        self.recordsMax = recordsMax
        guard let path = try CausalTree.path(to: sequence, in: log) else { return nil }
        begin(path)
        var reached = try index?.reached() ?? .none
        if let index, try !descend(from: path, index, upTo: reached, log) {
            // It was taken away, or is damaged: every record is looked at.
            begin(path)
            reached = .none
        }
        try scan(from: max(path[0], reached).next, log)
        draw(path[0])
    }

    /// The asked record and its causes are shown, however many others there are.
    private mutating func begin(_ path: [SequenceNumber]) {
        known = Set(path)
        children = [:]
        for (cause, effect) in zip(path, path.dropFirst()) { children[cause] = [effect] }
        let isCut = path.count == Limits.causeDepthMax
        cut = isCut ? "its first causes are left out: more than \(grouped(path.count))" : nil
    }

    /// From where it all began to the record.
    private static func path(to sequence: SequenceNumber, in log: EventLog) throws -> [SequenceNumber]? {
        try log.snapshot { snapshot in
            guard var record = try snapshot.record(sequence) else { return nil }
            var path = [record.sequence]
            while path.count < Limits.causeDepthMax, !record.header.cause.isNone,
                record.header.cause < record.sequence, let cause = try snapshot.record(record.header.cause)
            {
                record = cause
                path.append(record.sequence)
            }
            return path.reversed()
        }
    }

    /// False where no more may be kept.
    private mutating func add(_ effect: SequenceNumber, of cause: SequenceNumber) -> Bool {
        guard !known.contains(effect) else { return true }
        guard known.count < recordsMax else {
            cut = "more than \(grouped(recordsMax)) records belong to this tree; see --limit"
            return false
        }
        known.insert(effect)
        children[cause, default: []].append(effect)
        return true
    }

    /// Level by level, so that what is left out is what is farthest. False where the index does not answer.
    private mutating func descend(
        from path: [SequenceNumber], _ index: SearchIndex, upTo reached: SequenceNumber, _ log: EventLog
    ) throws -> Bool {
        var level = path
        while !level.isEmpty {
            var below: [SequenceNumber] = []
            for cause in level where cause < reached {
                var rest: ClosedRange<SequenceNumber>? = cause.next...reached
                while let range = rest {
                    guard let page = try index.page([.cause(cause)], in: range, newestFirst: false) else {
                        return false
                    }
                    for effect in page.sequences where try CausalTree.isEffect(effect, of: cause, log) {
                        let isNew = !known.contains(effect)
                        guard add(effect, of: cause) else { return true }
                        if isNew { below.append(effect) }
                    }
                    rest = page.rest
                }
            }
            level = below
        }
        return true
    }

    private static func isEffect(_ effect: SequenceNumber, of cause: SequenceNumber, _ log: EventLog) throws -> Bool {
        var isEffect = false
        try log.snapshot { snapshot in
            try snapshot.walk(from: effect) { view in
                isEffect = view.sequence == effect && view.cause == cause
                return false
            }
        }
        return isEffect
    }

    /// Effects come after their causes, so one pass finds them all.
    private mutating func scan(from start: SequenceNumber, _ log: EventLog) throws {
        guard cut == nil || known.count < recordsMax else { return }
        var seen = 0
        try log.walk(from: start, through: nil) { view in
            seen += 1
            if seen.isMultiple(of: 200_000) { Output.progress("looked at \(grouped(seen)) records") }
            return known.contains(view.cause) ? add(view.sequence, of: view.cause) : true
        }
    }

    private mutating func draw(_ root: SequenceNumber) {
        var waiting = [(sequence: root, branch: "", deeper: "", depth: 0)]
        while let next = waiting.popLast() {
            nodes.append(Node(sequence: next.sequence, indent: next.branch))
            let below = (children[next.sequence] ?? []).sorted()
            let isFlat = next.depth >= Limits.causalDepthDrawnMax
            for (place, child) in below.enumerated().reversed() {
                let isLast = place == below.count - 1
                let branch = isFlat ? next.branch : next.deeper + (isLast ? "└─ " : "├─ ")
                let deeper = isFlat ? next.deeper : next.deeper + (isLast ? "   " : "│  ")
                waiting.append((child, branch, deeper, next.depth + 1))
            }
        }
    }
}
