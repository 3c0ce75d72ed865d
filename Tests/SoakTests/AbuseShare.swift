// Bad clients of the Redis face: the suite's share of `tools/soak abuse`.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func aClientWithoutMannersEndsItsOwnConnectionOnly() throws {
        try share(AbuseProgramme.self, cases: 20_000, seconds: 15)
    }
}
