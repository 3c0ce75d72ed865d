// The suite's share of `tools/soak bridge`.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func bothSidesAreEqualWhoeverDied() throws { try share(BridgeProgramme.self, cases: 20, seconds: 20) }
}
