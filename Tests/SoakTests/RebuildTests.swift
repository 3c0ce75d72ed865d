// The suite's share of `tools/soak rebuild`.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func rebuildsThatAreKilledBesideLiveTrafficEndWithWhatTheLogGives() throws {
        try share(RebuildProgramme.self, cases: 20, seconds: 60)
    }
}
