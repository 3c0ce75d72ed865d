// Random choices that a printed seed brings back, and counts that a soak run scales.

import Foundation
import Programmes
import Testing

enum Seed {
    /// BACKSTOP_TEST_SEED, or a new one for every run.
    static let value: UInt64 =
        ProcessInfo.processInfo.environment["BACKSTOP_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 1...999_999_999)
}

/// A count, times BACKSTOP_TEST_SCALE.
func scaled(_ count: Int) -> Int { max(1, Int(Double(count) * Scale.value)) }

enum Scale {
    static let value = ProcessInfo.processInfo.environment["BACKSTOP_TEST_SCALE"].flatMap { Double($0) } ?? 1
}

struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    /// The same seed gives each purpose its own numbers.
    init(_ seed: UInt64, for purpose: String) {
        state = purpose.utf8.reduce(seed ^ 0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

extension Trait where Self == IssueHandlingTrait {
    /// Every failure says its seed and the command that brings it back.
    static var repeatable: Self {
        compactMapIssues { issue in
            let again: Comment =
                "again: BACKSTOP_TEST_SEED=\(Seed.value) BACKSTOP_TEST_SCALE=\(Scale.value) swift test --filter BackstopTests"
            var issue = issue
            if !issue.comments.contains(again) { issue.comments.append(again) }  // a suite and its test both pass here
            return issue
        }
    }
}
