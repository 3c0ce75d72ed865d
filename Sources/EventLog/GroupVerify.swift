// What `verify` checks of the groups: their state is precious and no record gives it, so rows are sealed, and
// count each other.

internal import LMDB
internal import Records

extension LogSnapshot {
    /// What is wrong with the groups' state.
    func groupProblems() throws -> [String] {
        let groups = try groups()
        var problems: [String] = []
        let numbers = try GroupReading.numbers(transaction, tables)
        if Int(numbers.living) != groups.count {
            problems.append("there are \(groups.count) consumer groups, the counter says \(numbers.living)")
        }
        for group in groups {
            for problem in try self.problems(of: group) {
                problems.append("group \(group.group) of \(group.stream): \(problem)")
            }
        }
        let counts = try [tables.deadLetters, tables.consumers].map { try transaction.count($0) }
        if counts[0] != groups.reduce(0, { $0 + Int($1.deadLetters) }) {
            problems.append("there are \(counts[0]) dead letters, the groups count others")
        }
        if counts[1] != groups.reduce(0, { $0 + $1.consumers.count }) {
            problems.append("there are \(counts[1]) consumers, some of no group")
        }
        return problems
    }

    private func problems(of group: GroupSummary) throws -> [String] {
        var problems: [String] = []
        if group.consumers.reduce(0, { $0 + $1.pending }) != group.pending {
            problems.append("its consumers do not own its \(group.pending) pending entries")
        }
        let pending = try pending(
            group.stream, group.group, .zero ... .last, consumer: nil, limit: Int(clamping: group.pending) + 1)
        if pending.count != Int(clamping: group.pending) {
            problems.append("\(group.pending) pending entries are counted, not all are there")
        }
        if zip(pending, pending.dropFirst()).contains(where: { $0.id >= $1.id }) {
            problems.append("an entry is pending twice")
        }
        let dead = try deadLetters(
            group.stream, group.group, .zero ... .last, limit: Int(clamping: group.deadLetters) + 1)
        if dead.count != Int(clamping: group.deadLetters) {
            problems.append("\(group.deadLetters) dead letters are counted, \(dead.count) are there")
        }
        return problems
    }
}
