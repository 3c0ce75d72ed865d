// Groups and streams beside a real Redis.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func streamsAndGroupsAnswerAsRedisDoes() throws {
        try share(Differential.self, cases: 50_000, seconds: 120)
    }

    @Test func everyIntendedDifferenceHasItsReason() {
        #expect(Differential.intendedDifferences.allSatisfy { !$0.what.isEmpty && !$0.why.isEmpty })
    }
}
