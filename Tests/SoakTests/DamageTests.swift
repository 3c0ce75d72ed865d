// Rows are damaged by LMDB's own tools: found, and the first bad sequence named.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func everyDamageOfARowIsFoundAndNamed() throws { try share(DamageProgramme.self, cases: 2_000, seconds: 60) }
}
