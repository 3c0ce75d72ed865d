import ArgumentParser
import Dispatch
import Domain
import EventLog
import Events
import Records
import Services

struct Rebuild: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build the projections again from the log, or check that they are what it gives.",
        discussion: """
            Everything in views/ is derived and may be deleted. --check changes nothing: it folds the log from
            zero and compares each projection's digest with the saved one at the same sequence.

            Examples:
              backstop rebuild
              backstop rebuild --check positions trading

            Exit status: 0 equal or built, 1 different.
            """)

    @Argument(help: "Projections; all where none is named.")
    var names: [String] = []
    @Flag(help: "Compare, and change nothing.")
    var check = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        let known = State().parts.map(\.name)
        for name in names where !known.contains(name) {
            throw ValidationError("no projection \"\(name)\"; there are: \(known.joined(separator: ", "))")
        }
    }

    func run() throws {
        try common.withLog(.reading) { log in
            let views = try Views(for: log)
            defer { views.close() }
            if check { try compare(log, views) } else { try build(log, views) }
        }
    }

    private func build(_ log: EventLog, _ views: Views) throws {
        let began = DispatchTime.now().uptimeNanoseconds
        try views.clear()
        let state = try folded(log, through: nil)
        try views.save(state, log)
        try TraceIndex(views: views, log: log).catchUp { Output.progress("trace index \(grouped($0.rawValue))") }
        Output.endProgress()
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
        show(chosen(state), saved: nil, asOf: state.asOf)
        if !common.json {
            Output.line(Output.styled("built as of \(grouped(state.asOf.rawValue)) in \(seconds.seconds)", .dim))
        }
    }

    private func compare(_ log: EventLog, _ views: Views) throws {
        guard let saved = try views.loadState(log) else {
            throw NegativeFinding(text: "nothing is saved that belongs to this log; build it with: backstop rebuild")
        }
        let fresh = try folded(log, through: saved.asOf)
        Output.endProgress()
        let (freshParts, savedParts) = (chosen(fresh), chosen(saved))
        show(freshParts, saved: savedParts, asOf: saved.asOf)
        let different = zip(freshParts, savedParts).filter { $0.digest != $1.digest }.map(\.0.name)
        if let index = try TraceIndex(views: views, log: log).check(), index.expected != index.found {
            throw NegativeFinding(
                text: "different: the trace index has \(index.found) rows where the log gives \(index.expected); "
                    + "mend it with: backstop rebuild")
        }
        guard different.isEmpty else {
            throw NegativeFinding(
                text: "different: \(different.joined(separator: ", ")); mend it with: backstop rebuild")
        }
    }

    private func folded(_ log: EventLog, through end: SequenceNumber?) throws -> State {
        let head = try log.head().sequence.rawValue
        return try StateReader.fold(log, through: end) { sequence in
            Output.progress("folding \(grouped(sequence.rawValue)) of \(grouped(head))")
        }
    }

    private func chosen(_ state: State) -> [StatePart] {
        state.parts.filter { names.isEmpty || names.contains($0.name) }
    }

    private func show(_ parts: [StatePart], saved: [StatePart]?, asOf: SequenceNumber) {
        var table = Table([("PROJECTION", .left), ("DIGEST", .left), ("", .left)])
        for (place, part) in parts.enumerated() {
            let isEqual = saved.map { $0[place].digest == part.digest }
            if common.json {
                Output.json(
                    .object([
                        JSONMember("projection", .string(part.name)), JSONMember("digest", .string(part.digest.hex)),
                        JSONMember("as_of_seq", number(asOf.rawValue)),
                        JSONMember("equal", isEqual.map { .bool($0) } ?? .null),
                    ]))
            } else {
                let word = isEqual.map { $0 ? Output.styled("equal", .green) : Output.styled("DIFFERENT", .red) }
                table.add([part.name, String(part.digest.hex.prefix(16)), word ?? "built"])
            }
        }
        if !common.json { table.print() }
    }
}

extension Double {
    /// Seconds for people.
    var seconds: String { self < 1 ? "\(Int((self * 1_000).rounded())) ms" : "\((self * 100).rounded() / 100) s" }
}
