// The Redis face beside a real Redis.

import Programmes
import Testing

extension ProgrammeTests {
    @Test func theRedisFaceAnswersAsRedisDoes() throws {
        try share(RespDifferential.self, cases: 50_000, seconds: 240)
    }
}
