// The suite's share of `tools/soak fairness`: counts decide, times are only printed.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func aLoneAppendHasItsTurnBesideAnEndlessImport() throws {
        try share(FairnessProgramme.self, cases: 60, seconds: 10)
    }
}
