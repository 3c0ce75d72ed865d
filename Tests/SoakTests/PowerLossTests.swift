// The power goes, and what was acknowledged is there.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func powerLossLosesNothing() throws { try share(PowerLoss.self, cases: 600, seconds: 20) }
}
