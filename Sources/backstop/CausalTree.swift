// Causes and effects of one record: up to where it all began, then everything that followed, as a tree.

import EventLog
import Records

struct CausalTree {
    struct Node {
        let record: Record
        let indent: String
    }
    private(set) var nodes: [Node] = []

    /// Nil where there is no such record.
    init?(of sequence: SequenceNumber, in log: EventLog) throws {
        guard let root = try CausalTree.root(of: sequence, in: log) else { return nil }
        var members = [root]
        var known: Set<SequenceNumber> = [root.sequence]
        try log.walk(from: root.sequence.next, through: nil) { view in
            guard known.contains(view.cause) else { return true }
            known.insert(view.sequence)
            members.append(try view.record())
            return true
        }
        var children: [SequenceNumber: [Record]] = [:]
        for record in members.dropFirst() { children[record.header.cause, default: []].append(record) }
        add(root, children, prefix: "", isLast: true, isRoot: true)
    }

    private static func root(of sequence: SequenceNumber, in log: EventLog) throws -> Record? {
        try log.snapshot { snapshot in
            guard var record = try snapshot.record(sequence) else { return nil }
            while !record.header.cause.isNone, let cause = try snapshot.record(record.header.cause) { record = cause }
            return record
        }
    }

    private mutating func add(
        _ record: Record, _ children: [SequenceNumber: [Record]], prefix: String, isLast: Bool, isRoot: Bool
    ) {
        let branch = isRoot ? "" : isLast ? "└─ " : "├─ "
        nodes.append(Node(record: record, indent: prefix + branch))
        let below = children[record.sequence] ?? []
        let deeper = isRoot ? "" : prefix + (isLast ? "   " : "│  ")
        for (place, child) in below.enumerated() {
            add(child, children, prefix: deeper, isLast: place == below.count - 1, isRoot: false)
        }
    }
}
