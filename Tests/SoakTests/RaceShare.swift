// The suite's share of `tools/soak race`: panics against orders under way, each role a process.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func nothingOpensAfterAPanicWhateverRacesIt() throws { try share(RaceProgramme.self, cases: 20, seconds: 60) }
}
