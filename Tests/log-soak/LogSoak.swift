// Runs the programmes of proofs and prints what they found, for people and as JSON lines. tools/soak is its
// shell; the children that programmes start are this binary, too.

import ArgumentParser
import Foundation
import Programmes

@main struct LogSoak: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-soak", abstract: "Run the programmes that prove the log.",
        subcommands: [List.self, Run.self, Table.self, Child.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Name every programme and what must hold.")

        func run() {
            for programme in AllProgrammes.all {
                print("\(programme.name)\t\(programme.casesInFull) \(programme.unit)\t\(programme.promise)")
            }
        }
    }

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run one programme; exit status 1 where something is bad or a control found nothing.")
        @Argument var name: String
        @Option(help: "Stop after so many cases (default: the full count).") var cases: Int?
        @Option(help: "Stop after so many seconds.") var seconds: Double?
        @Option(help: "What all random choices come from (default: a new one).") var seed: UInt64?
        @Option(help: "Append the report, one JSON line, to this file.") var report: String?

        func run() throws {
            guard let programme = AllProgrammes.all.first(where: { $0.name == name }) else {
                throw ValidationError("no programme \(name); tools/soak --list names them")
            }
            let result = try LogSoak.run(programme, self)
            print(LogSoak.text(result))
            if let report { try LogSoak.append(result, to: report) }
            if !result.passed { throw ExitCode(1) }
        }
    }

    struct Table: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print reports as a Markdown table.")
        @Argument var reports: String
        @Option var commit: String

        func run() throws {
            print(
                "| programme | cases | bad | controls: bad of cases | found | seed | time |\n|---|---|---|---|---|---|---|"
            )
            for line in try String(contentsOfFile: reports, encoding: .utf8).split(separator: "\n") {
                let report = try JSONDecoder().decode(Report.self, from: Data(line.utf8))
                let controls = report.controls.map { "\($0.name) \($0.bad) of \($0.cases)" }
                let columns = [
                    report.programme, "\(report.cases) \(report.unit)", "\(report.bad)",
                    controls.joined(separator: ", "), report.notes.joined(separator: "; "), "\(report.seed)",
                    "\(Int(report.seconds.rounded())) s",
                ]
                print("| " + columns.joined(separator: " | ") + " |")
            }
            print("\nCommit \(commit).")
        }
    }

    struct Child: ParsableCommand {
        static let configuration = CommandConfiguration(shouldDisplay: false)
        @Argument var name: String
        @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

        func run() throws {
            guard let child = AllProgrammes.children[name] else { throw ValidationError("no child \(name)") }
            try child(arguments)
        }
    }

    private static func run(_ programme: any Programme.Type, _ options: Run) throws -> Report {
        let folder = FileManager.default.temporaryDirectory.path + "/log-soak-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms nothing
        let binaries = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let bench = Bench(folder: folder, binaries: binaries.path, judgesTime: true) { line in
            FileHandle.standardError.write(Data("  \(line)\n".utf8))
        }
        let seed = options.seed ?? UInt64.random(in: 1...UInt64(UInt32.max))
        FileHandle.standardError.write(Data("\(programme.name): seed \(seed)\n".utf8))
        let budget = Budget(casesMax: options.cases ?? programme.casesInFull, seconds: options.seconds)
        let began = ContinuousClock.now
        var report = try programme.run(budget, seed: seed, bench)
        let took = ContinuousClock.now - began
        report.seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        return report
    }

    private static func text(_ report: Report) -> String {
        var lines = [
            "\(report.programme): \(report.passed ? "PASS" : "FAIL")  \(report.cases) \(report.unit), "
                + "\(report.bad) bad, seed \(report.seed), \(Int(report.seconds.rounded())) s"
        ]
        lines += report.notes.map { "  " + $0 }
        lines += report.controls.map { "  control \($0.name): \($0.bad) bad of \($0.cases)" }
        lines += report.badCases.map { "  BAD \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func append(_ report: Report, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: try encoder.encode(report) + Data("\n".utf8))
        try file.close()
    }
}
