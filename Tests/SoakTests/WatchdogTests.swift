// Some simulated cases of the watchdog: the suite's share of `tools/soak watchdog`.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func theWatchdogMissesNothingAndInventsNothing() throws {
        try share(WatchdogProgramme.self, cases: 40, seconds: 60)
    }
}
