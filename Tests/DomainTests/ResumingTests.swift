// What speaks against the end of a halt, and that all of it is named.

import Events
import Records
import SwiftProtobuf
import Testing

@testable import Domain

@Suite struct ResumingTests {
    private let policy = ResumePolicy()

    private func request(_ change: (inout ResumeRequest) -> Void = { _ in }) -> ResumeRequest {
        var request = ResumeRequest(operator: "anna", reason: "looked")
        request.look = FlatLook(open: [], resting: [])
        request.millisecondsSinceCompletion = 300_000
        change(&request)
        return request
    }

    /// A panic at 1 (done by 2), or a plain halt at 1.
    private func state(panic: Bool = true, isCompleted: Bool = true) throws -> TradingState {
        var log = TestLog()
        if panic {
            log.append(
                .panicRequested(
                    .with {
                        $0.eventID = "e"; $0.reason = "test"; $0.issuer = "ops"
                    }))
            if isCompleted { log.append(.panicCompleted(.with { $0.panicSequence = 1 })) }
        } else {
            log.append(
                .halt(
                    .with {
                        $0.reason = "test"; $0.source = "ops"
                    }))
        }
        return try log.fold(TradingState.self)
    }

    @Test func aHaltEndsWhereNothingSpeaksAgainstIt() throws {
        let state = try state()
        let decision = Resuming.decide(request(), state, policy)
        #expect(decision == .resume(try #require(state.halt).panic))
        let plain = try self.state(panic: false)
        #expect(Resuming.decide(request(), plain, policy) == .resume(try #require(plain.halt).sequence))
    }

    @Test func whatIsNotHaltedIsNotResumed() {
        #expect(Resuming.decide(request(), TradingState(), policy) == .notHalted)
    }

    private func refusals(_ request: ResumeRequest, _ state: TradingState) -> [String] {
        guard case .refused(let missing) = Resuming.decide(request, state, policy) else { return [] }
        return missing
    }

    @Test func eachObjectionIsNamedWithItsWayOut() throws {
        let state = try state()
        #expect(refusals(request { $0.look = nil }, state).first?.contains("--exchange") == true)
        let open = request { $0.look = FlatLook(open: ["BTCUSDT 0.1"], resting: []) }
        #expect(refusals(open, state).first?.contains("BTCUSDT 0.1") == true)
        let resting = request { $0.look = FlatLook(open: [], resting: ["ETHUSDT 2"]) }
        #expect(refusals(resting, state).first?.contains("ETHUSDT 2") == true)
        let early = request { $0.millisecondsSinceCompletion = 299_999 }
        #expect(refusals(early, state).first?.contains("--override-cooldown") == true)
        let both = request {
            $0.look = nil
            $0.millisecondsSinceCompletion = 0
        }
        #expect(refusals(both, state).count == 2)
    }

    @Test func operatorsMayOverrideButNotAnExitThatIsNotDone() throws {
        let all = request {
            $0.look = FlatLook(open: ["BTCUSDT 0.1"], resting: [])
            $0.millisecondsSinceCompletion = 0
            $0.acceptsOpenRisk = true
            $0.overridesCooldown = true
        }
        #expect(refusals(all, try state()).isEmpty)
        #expect(refusals(all, try state(isCompleted: false)).first?.contains("no completion") == true)
    }

    @Test func aPolicyWithoutCooldownKeepsTheFlatLook() throws {
        var policy = ResumePolicy()
        policy.cooldownMilliseconds = 0
        let now = request {
            $0.millisecondsSinceCompletion = 0
            $0.look = nil
        }
        guard case .refused(let missing) = Resuming.decide(now, try state(), policy) else {
            Issue.record("resumed unseen")
            return
        }
        #expect(missing.count == 1 && missing[0].contains("looked"))
    }
}
