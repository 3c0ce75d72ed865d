// One call on the log's files fails, whichever it is.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func whicheverCallFailsNothingAcknowledgedIsLost() throws { try share(NthCall.self, cases: 60, seconds: 20) }
}
