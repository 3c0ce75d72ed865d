// The suite's share of `tools/soak contention`: seed 003's stress over real processes.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func aTradeThatEverybodyTellsIsOneFillAndASignalThatEverybodyGivesIsOneOrder() throws {
        try share(Contention.self, cases: 20, seconds: 15)
    }
}
