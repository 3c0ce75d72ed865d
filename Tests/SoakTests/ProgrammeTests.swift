// Each programme's share of the suite: new seeds every time, printed where something is bad.

import Foundation
import Programmes
import Testing

@Suite(.serialized) struct ProgrammeTests {
    static let binaries = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path

    @Test func everyProgrammeHasANameOfItsOwn() {
        let names = AllProgrammes.all.map { $0.name }
        #expect(Set(names).count == names.count)
    }
}

/// Runs a share with a new seed, and the seeds that once failed, and expects that all of it holds.
func share<P: Programme>(
    _ programme: P.Type, cases: Int, seconds: Double, location: SourceLocation = #_sourceLocation
) throws {
    for seed in P.seedsThatFailed + [UInt64.random(in: 1...UInt64(UInt32.max))] {
        let folder = FileManager.default.temporaryDirectory.path + "/soak-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
        let bench = Bench(folder: folder, binaries: ProgrammeTests.binaries, progress: { _ in })
        let report = try programme.run(Budget(casesMax: cases, casesMin: 20, seconds: seconds), seed: seed, bench)
        let again = "again: tools/soak \(P.name) --cases \(cases) --seed \(seed)"
        print("\(P.name): \(report.cases) \(P.unit), seed \(seed); \(report.notes.joined(separator: "; "))")
        #expect(
            report.passed, "\(report.badCases.joined(separator: "\n"))\n\(report.controls)\n\(again)",
            sourceLocation: location)
        #expect(
            report.cases >= min(cases, 20), "only \(report.cases) cases in the time; \(again)", sourceLocation: location
        )
    }
}
