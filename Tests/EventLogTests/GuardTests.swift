// Guards: decided inside the write transaction, draft by draft, also within one batch.

import Testing

import EventLog
import Records

@Suite struct GuardTests {
    @Test func anOpeningBehindAHaltIsRefusedInTheSameBatch() throws {
        try withLog { log in
            let answers = try log.append([
                draft("o1", kind: TestKind.opening), draft("h", kind: TestKind.halt),
                draft("o2", kind: TestKind.opening), draft("r", kind: TestKind.resume),
                draft("o3", kind: TestKind.opening),
            ])
            #expect(answers.map(\.isAppended) == [true, true, false, true, true])
            #expect(
                answers[2] == .refused(.guarded(name: "halt", by: SequenceNumber(try #require(answers[1].sequence)))))
        }
    }

    @Test func aHaltSurvivesReopening() throws {
        let path = temporaryFolder()
        _ = try EventLog.create(at: path, options: testOptions())
        for round in 0..<2 {
            let log = try EventLog(at: path, mode: .writing, rules: testRules, options: testOptions())
            if round == 0 { _ = try log.append([draft("h", kind: TestKind.halt)]) }
            #expect(try !log.append([draft("o", kind: TestKind.opening)])[0].isAppended)
            let holder = try log.snapshot { try $0.guards().first("halt") }
            #expect(holder != nil)
            log.close()
        }
    }

    @Test func aGuardIsTakenOnce() throws {
        try withLog { log in
            let answers = try log.append([draft("a", kind: TestKind.pair), draft("b", kind: TestKind.pair)])
            #expect(answers.map(\.isAppended) == [true, false])
        }
    }
}
