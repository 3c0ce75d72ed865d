// A few worlds in virtual time: the suite's share of `tools/soak simulation`.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func simulatedWorldsKeepTheirPromises() throws { try share(SimulationProgramme.self, cases: 20, seconds: 60) }
}
