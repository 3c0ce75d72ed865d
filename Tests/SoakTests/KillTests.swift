// The suite's share of `tools/soak kill`.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func killedProcessesLoseNothingAndDoNothingTwice() throws {
        try share(KillProgramme.self, cases: 24, seconds: 20)
    }
}
