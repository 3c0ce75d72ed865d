// What a programme of proofs is: many cases of one kind, each from a seed, with controls that must fail. The
// same programme runs for its full count in tools/soak and for its share in the test suite.

import Foundation

package protocol Programme: Sendable {
    /// As in `tools/soak NAME`.
    static var name: String { get }
    /// One line: what must hold.
    static var promise: String { get }
    /// What is counted: `states`, `kills`, `commands`.
    static var unit: String { get }
    /// How many the full run has.
    static var casesInFull: Int { get }

    /// Seeds that once found something, oldest first: the suite runs each of them every time.
    static var seedsThatFailed: [UInt64] { get }

    static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report
}

extension Programme {
    package static var seedsThatFailed: [UInt64] { [] }
}

/// How long a run goes on: until so many cases are done, or the time is out, whichever is first; on a slow
/// machine the time may be out before anything is shown, hence the least number.
package struct Budget: Sendable {
    package let casesMax: Int
    private let casesMin: Int
    private let deadline: ContinuousClock.Instant?

    package init(casesMax: Int, casesMin: Int = 0, seconds: Double?) {
        self.casesMax = casesMax
        self.casesMin = min(casesMin, casesMax)
        deadline = seconds.map { .now + .seconds($0) }
    }

    package func isSpent(_ cases: Int) -> Bool {
        cases >= casesMax || cases >= casesMin && (deadline.map { ContinuousClock.now >= $0 } ?? false)
    }
}

/// Where a programme works: a folder of its own, the binaries that it starts, and who hears of its progress.
package struct Bench: Sendable {
    /// Empty at the start, removed by whoever made it.
    package let folder: String
    /// Where `backstop`, `log-soak` and `libCallShim.so` of one build stand.
    package let binaries: String
    /// Whether a figure of time may be bad. Not in the test suite: its machine is shared.
    package let judgesTime: Bool
    /// Gets a line now and then.
    package let progress: @Sendable (String) -> Void

    package init(
        folder: String, binaries: String, judgesTime: Bool = false, progress: @escaping @Sendable (String) -> Void
    ) {
        self.folder = folder
        self.binaries = binaries
        self.judgesTime = judgesTime
        self.progress = progress
    }
}

/// What one run found.
package struct Report: Sendable, Codable {
    /// Something switched off on purpose: where it finds nothing bad, the programme proves nothing.
    package struct Control: Sendable, Codable {
        package var name: String
        package var cases: Int
        package var bad: Int

        package init(name: String, cases: Int, bad: Int) {
            self.name = name
            self.cases = cases
            self.bad = bad
        }
    }

    package var programme: String
    package var unit: String
    package var seed: UInt64
    package var cases = 0
    package var bad = 0
    /// The first bad cases, each with what it takes to see it again.
    package var badCases: [String] = []
    package var controls: [Control] = []
    /// Counts and figures for people: `found by the chain 216`.
    package var notes: [String] = []
    package var seconds = 0.0

    package init<P: Programme>(_ programme: P.Type, seed: UInt64) {
        self.programme = P.name
        unit = P.unit
        self.seed = seed
    }

    /// - Parameter bench: hears of it at once; a full run takes hours.
    package mutating func fail(_ what: String, _ bench: Bench? = nil) {
        bad += 1
        bench?.progress("BAD \(what)")
        if badCases.count < 20 { badCases.append(what) }
    }

    /// Nothing bad, something done, and every control did fail.
    package var passed: Bool { bad == 0 && cases > 0 && controls.allSatisfy { $0.bad > 0 } }
}

/// A programme cannot go on: not a finding, but a machine or a harness that does not work.
package struct Trouble: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// SplitMix64: the same on every machine and in every version of the library.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
