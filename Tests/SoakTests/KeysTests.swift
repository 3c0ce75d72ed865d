// A key is one record's, whatever happens to those who keep the index.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func noKeyIsForgottenOrInventedInFlushesAndMerges() throws {
        try share(KeysProgramme.self, cases: 24, seconds: 20)
    }
    @Test func veryManyKeysAreFoundAgain() throws { try share(ManyKeys.self, cases: 60_000, seconds: 20) }
}
