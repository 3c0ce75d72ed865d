// Bytes of the data file change, and nothing else is served for what was written.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func rotIsFoundOrHarmless() throws { try share(Rot.self, cases: 1_500, seconds: 15) }
}
