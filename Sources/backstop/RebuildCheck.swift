// `rebuild --check`: what is saved beside what the log gives, at the same sequences. It changes nothing.

import Domain
import EventLog
import Events
import Records
import Services

struct RebuildCheck {
    let names: [String]
    let json: Bool
    let log: EventLog
    let views: Views

    func run() throws {
        var different: [String] = []
        if names.isEmpty || names.contains(where: { $0 != Rebuild.search }) { different += try compareStates() }
        if names.isEmpty || names.contains(Rebuild.search) { different += try compareSearch() }
        guard different.isEmpty else {
            throw NegativeFinding(
                text: "different: \(different.joined(separator: ", ")); mend it with: backstop rebuild")
        }
    }

    private func isChosen(_ name: String) -> Bool { names.isEmpty || names.contains(name) }

    // MARK: States

    /// What differs, by name.
    private func compareStates() throws -> [String] {
        guard let saved = try views.loadState(log) else {
            throw NegativeFinding(text: "nothing is saved that belongs to this log; build it with: backstop rebuild")
        }
        var different: [String] = []
        var fresh = State()
        var pace = Pace()
        let snapshots = try views.snapshotSequences().filter { $0 <= saved.asOf }
        for sequence in snapshots {
            fresh = try folded(from: fresh, through: sequence, &pace)
            // One that cannot be believed is not used, and so is no finding.
            guard let snapshot = try views.snapshot(sequence, log) else { continue }
            let parts = differentParts(fresh, snapshot)
            if !parts.isEmpty { different.append("snapshot \(sequence) (\(parts.joined(separator: " ")))") }
            show(fresh, snapshot, parts, "snapshot of \(sequence)")
        }
        fresh = try folded(from: fresh, through: saved.asOf, &pace)
        Output.endProgress()
        PartTable(json: json).print(
            fresh.parts.filter { isChosen($0.name) }, beside: saved.parts, asOf: saved.asOf, equal: "equal",
            different: "DIFFERENT")
        let parts = differentParts(fresh, saved)
        show(fresh, saved, parts, "saved state")
        if !json { Output.line(Output.styled("\(grouped(snapshots.count)) snapshots compared", .dim)) }
        return different + parts
    }

    private func folded(from start: State, through end: SequenceNumber, _ pace: inout Pace) throws -> State {
        var pace_ = pace
        defer { pace = pace_ }
        return try StateReader.fold(log, from: start, through: end) {
            pace_.show(Rebuilding.Progress(what: "folding", done: $0, head: end))
        }
    }

    private func differentParts(_ fresh: State, _ saved: State) -> [String] {
        zip(fresh.parts, saved.parts).filter { $0.digest != $1.digest && isChosen($0.name) }.map(\.0.name)
    }

    private func show(_ fresh: State, _ saved: State, _ parts: [String], _ title: String) {
        let differences = parts.flatMap { fresh.differences(from: saved, in: $0) }
        guard !differences.isEmpty else { return }
        Output.endProgress()
        if !json { Output.line(title) }
        DifferenceList(json: json, expected: "expected", found: "found").print(differences)
    }

    // MARK: The search index

    private func compareSearch() throws -> [String] {
        let index = SearchIndex(views: views, log: log)
        let reached = try index.reached()
        var pace = Pace()
        let differences = try index.check { pace.show(Rebuilding.Progress(what: "comparing", done: $0, head: reached)) }
        Output.endProgress()
        if json {
            Output.json(
                .object([
                    JSONMember("projection", .string(Rebuild.search)),
                    JSONMember("as_of_seq", number(reached.rawValue)),
                    JSONMember("digest", .null), JSONMember("equal", .bool(differences.isEmpty)),
                ]))
        } else {
            let word = differences.isEmpty ? Output.styled("equal", .green) : Output.styled("DIFFERENT", .red)
            let text = reached.isNone ? "nothing is indexed yet" : "search index as of \(grouped(reached.rawValue))"
            Output.line("\(text): \(word)")
        }
        return differences.map { difference in
            "the search index, records \(difference.range.lowerBound) to \(difference.range.upperBound): "
                + "\(difference.found) postings where the log gives \(difference.expected)"
        }
    }
}

/// Projections with their digests, beside others.
struct PartTable {
    let json: Bool

    func print(
        _ parts: [StatePart], beside others: [StatePart]?, asOf: SequenceNumber, equal: String, different: String
    ) {
        var table = Table([("PROJECTION", .left), ("DIGEST", .left), ("", .left)])
        for part in parts {
            let isEqual = others.map { $0.first { $0.name == part.name }?.digest == part.digest }
            if json {
                Output.json(
                    .object([
                        JSONMember("projection", .string(part.name)), JSONMember("digest", .string(part.digest.hex)),
                        JSONMember("as_of_seq", number(asOf.rawValue)),
                        JSONMember("equal", isEqual.map { .bool($0) } ?? .null),
                    ]))
            } else {
                let word = isEqual.map { $0 ? Output.styled(equal, .green) : Output.styled(different, .red) }
                table.add([part.name, String(part.digest.hex.prefix(16)), word ?? "built"])
            }
        }
        if !json { table.print() }
    }
}

/// Keys that differ, each with what it is on both sides.
struct DifferenceList {
    let json: Bool
    let expected: String
    let found: String

    func print(_ differences: [StateDifference]) {
        var shown: [String: Int] = [:]
        for difference in differences {
            shown[difference.projection, default: 0] += 1
            guard shown[difference.projection, default: 0] <= Limits.differencesShownMax else { continue }
            if json {
                Output.json(
                    .object([
                        JSONMember("projection", .string(difference.projection)),
                        JSONMember("key", .string(difference.key)),
                        JSONMember("expected", difference.expected.map { .string($0) } ?? .null),
                        JSONMember("found", difference.found.map { .string($0) } ?? .null),
                    ]))
            } else {
                Output.line("  \(difference.projection)  \(Output.tame(difference.key))")
                Output.line("    \(expected)  \(Output.tame(difference.expected ?? "nothing"))")
                Output.line("    \(found)  \(Output.tame(difference.found ?? "nothing"))")
            }
        }
        for name in shown.keys.sorted() {
            let more = (shown[name] ?? 0) - Limits.differencesShownMax
            if more > 0, !json { Output.line("  \(name)  … and \(grouped(more)) more keys") }
        }
    }
}
