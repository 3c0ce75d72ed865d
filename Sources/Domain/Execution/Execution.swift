// One intent on its way to its one terminal state, as a pure function of what has happened to it: the whole story is
// read again for each next step, so the rules stand as straight lines (ExecutionRules), and a crash in the middle,
// a simulation in virtual time and an audit all run them. It must never ask for an order to be sent twice, nor for one
// whose request another process committed.

package import Events
internal import Exchange
package import Records

/// The settings that execution's decisions use.
package struct ExecutionPolicy: Hashable, Sendable {
    package enum SevereFill: String, CaseIterable, Sendable {
        /// Less than half of a pair's first leg: close it again.
        case close
        case leave
    }

    package var venue = "binance-usdm"
    package var account = "main"
    /// Above it an intent is refused. 1…125.
    package var leverageMax = 20
    /// Price × quantity of an opening order; nil: no limit.
    package var orderUSDMax: ExactDecimal?
    /// Price × quantity that a position may reach by an opening order; nil: no limit.
    package var positionUSDMax: ExactDecimal?
    /// Opening orders; nil: no limit.
    package var ordersPerMinuteMax: Int?
    /// An opening intent that is older is refused: its reasons are too old.
    package var intentAgeMax: Milliseconds = 300_000
    /// Beyond recvWindow, from a request's stamp, until "not found" may be believed.
    package var horizonMargin: Milliseconds = 10_000
    /// How long an order that is not final is waited for before its rest is cancelled.
    package var orderWait: Milliseconds = 5_000
    /// How long a pair's first leg may stand alone before it is closed instead of hedged.
    package var pairExposureMax: Milliseconds = 10_000
    package var severeFill = SevereFill.close
    package var configSequence = SequenceNumber.none

    package init() {}
}

/// An intent's record, as execution needs it.
package struct IntentToExecute: Hashable, Sendable {
    package let sequence: SequenceNumber
    package let intent: EventTradeIntent
    /// By the performer's clock.
    package let recordedAt: Milliseconds
    /// Its requests that stand in the log already, by leg: a predecessor died over it.
    package let requests: [RequestedOrder]
    /// When the performer took the intent over: whoever committed those requests was dead by then, so none of them was
    /// stamped later. Nil: nobody had it before.
    package let takenOverAt: Milliseconds?
    /// A restore has left open what became of it: no new order is made for it.
    package let isBeforeRestore: Bool

    package init(
        sequence: SequenceNumber, intent: EventTradeIntent, recordedAt: Milliseconds, requests: [RequestedOrder],
        takenOverAt: Milliseconds?, isBeforeRestore: Bool
    ) {
        self.sequence = sequence
        self.intent = intent
        self.recordedAt = recordedAt
        self.requests = requests
        self.takenOverAt = takenOverAt
        self.isBeforeRestore = isBeforeRestore
    }
}

package struct Execution: Sendable {
    /// Name and version, as records and audits name it. Another effect for any story is a new version.
    package static let rule = "execution/2"

    package let intent: IntentToExecute
    package let policy: ExecutionPolicy
    private let startedAt: Milliseconds
    private var story: [ExecutionStory.Step] = []
    /// What is to be performed now.
    package private(set) var effect: ExecutionEffect
    /// What was said, for the audit; it decides nothing.
    package var trail: EvidenceTrail

    package init(_ intent: IntentToExecute, _ policy: ExecutionPolicy, at now: Milliseconds) {
        self.intent = intent
        self.policy = policy
        startedAt = now
        trail = EvidenceTrail(
            about: intent.sequence, rule: Execution.rule, startedAt: now, begin: Execution.begin(intent, policy))
        effect = .finished
        effect = nextEffect()
    }

    /// The answer to `effect`.
    package mutating func take(_ answer: ExecutionAnswer, at now: Milliseconds) {
        guard effect != .finished else { return }
        story.append(ExecutionStory.Step(effect: effect, answer: answer, at: now))
        trail.add(Execution.evidence(effect, answer, now))
        effect = nextEffect()
    }

    private func nextEffect() -> ExecutionEffect {
        var rules = ExecutionRules(intent, policy, ExecutionStory(story, startedAt: startedAt))
        do throws(ExecutionPending) {
            try rules.run()
            return .finished
        } catch {
            return error.effect
        }
    }
}

/// The rules have come to a question that the story does not answer yet.
struct ExecutionPending: Error {
    let effect: ExecutionEffect
}

/// What has happened, read from its beginning.
struct ExecutionStory {
    struct Step: Sendable {
        let effect: ExecutionEffect
        let answer: ExecutionAnswer
        let at: Milliseconds
    }
    private let steps: [Step]
    private var place = 0
    /// The moment of the last answer.
    private(set) var now: Milliseconds

    init(_ steps: [Step], startedAt: Milliseconds) {
        self.steps = steps
        now = startedAt
    }

    mutating func ask(_ effect: ExecutionEffect) throws(ExecutionPending) -> ExecutionAnswer {
        guard place < steps.count else { throw ExecutionPending(effect: effect) }
        let step = steps[place]
        precondition(step.effect == effect, "the rules ask \(effect) where they asked \(step.effect) before")
        place += 1
        now = max(now, step.at)
        return step.answer
    }
}
