import ArgumentParser
import Dispatch
import Domain
import EventLog
import Events
import Glibc
import Records
import Services

struct Rebuild: ParsableCommand {
    static let search = "search"

    static let configuration = CommandConfiguration(
        abstract:
            "Build the projections and the search index again from the log, or check that they are what it gives.",
        discussion: """
            Everything in views/ is derived and may be deleted. A rebuild builds beside what is in use, also while
            `serve` runs, in steps: killed and started again it goes on. At the end it takes the place of what was in
            use, in one transaction, and says what was different; that is kept for --rollback until the next rebuild.

            Without a name everything is built. The projections are one fold: naming one builds all of them, and shows
            that one. "search" is the index of `query`.

            --check changes nothing: it folds the log from zero, and compares the saved state and each snapshot at their
            sequences, and every posting of the search index. What differs is shown by key, as expected and as found.

            Examples:
              backstop rebuild
              backstop rebuild search
              backstop rebuild --check positions trading_state
              backstop rebuild --rollback

            Exit status: 0 equal or built, 1 different or nothing to go back to, 2 could not run.
            """)

    @Argument(help: "Projections, or search; all where none is named.")
    var names: [String] = []
    @Flag(help: "Compare, and change nothing.")
    var check = false
    @Flag(help: "Put what was in use before the last rebuild in its place again.")
    var rollback = false
    @Flag(help: "Say which views were not used, and why.")
    var verbose = false
    @Option(help: ArgumentHelp("Records between two checkpoints.", visibility: .hidden))
    var step = Limits.foldStepRecords
    @OptionGroup var common: CommonOptions

    private var wantsSearch: Bool { names.isEmpty || names.contains(Rebuild.search) }
    private var wantsState: Bool { names.isEmpty || names.contains { $0 != Rebuild.search } }

    func validate() throws {
        let known = State().parts.map(\.name) + [Rebuild.search]
        for name in names where !known.contains(name) {
            throw ValidationError("no projection \"\(name)\"; there are: \(known.joined(separator: ", "))")
        }
        if step == 0 { throw ValidationError("--step must be at least 1") }
        if check, rollback { throw ValidationError("--check changes nothing: not with --rollback") }
    }

    func run() throws {
        try common.withLog(.reading) { log in
            let views = try Views(for: log) { if verbose { Output.error($0) } }
            defer { views.close() }
            let rebuilding = Rebuilding(log: log, views: views, step: step)
            if check { return try RebuildCheck(names: names, json: common.json, log: log, views: views).run() }
            do { try rebuilding.alone { try rollback ? goBack(rebuilding) : build(rebuilding) } } catch let busy
                as Rebuilding.Busy
            {
                throw CannotRun(busy.description)
            } catch let nothing as Rebuilding.NothingKept {
                throw NegativeFinding(text: nothing.description)
            }
        }
    }

    private func build(_ rebuilding: Rebuilding) throws {
        // Whoever appends goes first.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        var pace = Pace()
        if wantsState {
            let result = try rebuilding.state { pace.show($0) }
            Output.endProgress()
            show(result, pace)
        }
        if wantsSearch {
            pace = Pace()
            try rebuilding.search { pace.show($0) }
            Output.endProgress()
            if common.json {
                Output.json(
                    .object([JSONMember("projection", .string(Rebuild.search)), JSONMember("built", .bool(true))]))
            } else {
                Output.line("search index built\(pace.text)")
            }
        }
    }

    private func show(_ result: Rebuilding.Result, _ pace: Pace) {
        let parts = result.state.parts.filter { names.isEmpty || names.contains($0.name) }
        let before = result.before?.parts
        PartTable(json: common.json).print(
            parts, beside: before, asOf: result.state.asOf, equal: "built, as before",
            different: "built, OTHER than before")
        if let before = result.before, !common.json {
            DifferenceList(json: false, expected: "built", found: "before").print(
                parts.flatMap { result.state.differences(from: before, in: $0.name) })
        }
        guard !common.json else { return }
        let from = result.continuedFrom.isNone ? "" : ", gone on with from \(grouped(result.continuedFrom.rawValue))"
        Output.line(Output.styled("built as of \(grouped(result.state.asOf.rawValue))\(from)\(pace.text)", .dim))
    }

    private func goBack(_ rebuilding: Rebuilding) throws {
        let back = try rebuilding.rollback(state: wantsState, search: wantsSearch)
        if common.json {
            Output.json(.object([JSONMember("rolled_back", .array(back.map { .string($0) }))]))
        } else {
            Output.line("in use again, as before the last rebuild: \(back.joined(separator: ", "))")
        }
    }
}

/// How fast long work goes, and how long it will take.
struct Pace {
    private var began = DispatchTime.now().uptimeNanoseconds
    private var first: UInt64?
    private(set) var text = ""

    mutating func show(_ progress: Rebuilding.Progress) {
        let done = progress.done.rawValue
        guard let first else {
            // What was there already was not built now.
            first = done
            began = DispatchTime.now().uptimeNanoseconds
            return
        }
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
        let rate = Double(done - min(done, first)) / max(seconds, 0.001)
        let left = Double(progress.head.rawValue - min(done, progress.head.rawValue)) / max(rate, 1)
        text = ", \(grouped(Int(rate))) records/s"
        Output.progress(
            "\(progress.what) \(grouped(done)) of \(grouped(progress.head.rawValue))\(text), \(left.seconds) left")
    }
}

extension Double {
    /// Seconds for people.
    var seconds: String { self < 1 ? "\(Int((self * 1_000).rounded())) ms" : "\((self * 100).rounded() / 100) s" }
}
