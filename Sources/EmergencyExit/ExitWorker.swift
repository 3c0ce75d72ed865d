// The emergency exit: closes everything when a trigger says so, and depends on nothing but this process, its exchange
// and one line of a journal. Triggers come from its recorder, which has the log open, and from a local socket.
//
// What must never be added here: the log or anything that maps it (a page that cannot be read is SIGBUS, a stopped owner
// of its lock blocks for ever); a wait for the recorder, for a disk or for a reader of standard error; a condition, a
// strategy, a confirmation; a second try of what was refused; anything that can open a position.

package import Domain
internal import Events
package import Exchange
internal import Dispatch
package import Records
internal import Synchronization

/// The clocks that the worker reads.
package struct ExitClock: Sendable {
    package var wallNanoseconds: @Sendable () -> Int64
    package var bootNanoseconds: @Sendable () -> UInt64

    package init(wallNanoseconds: @escaping @Sendable () -> Int64, bootNanoseconds: @escaping @Sendable () -> UInt64) {
        self.wallNanoseconds = wallNanoseconds
        self.bootNanoseconds = bootNanoseconds
    }
}

/// What the worker's thread says of a trigger that another thread has brought.
final class OfferReceipt: Sendable {
    private let verdict = Mutex(false)
    private let isGiven = DispatchSemaphore(value: 0)

    /// - Parameter isKept: a crash does not forget it.
    func give(isKept: Bool) {
        verdict.withLock { $0 = isKept }
        isGiven.signal()
    }

    func isKept(within milliseconds: Int) -> Bool {
        isGiven.wait(timeout: .now() + .milliseconds(milliseconds)) == .success && verdict.withLock { $0 }
    }
}

package final class ExitWorker: Sendable {
    package enum Offer: Equatable, Sendable {
        /// It stands in the journal, or its run does.
        case taken
        case refused(String)
        /// Too much to do: it will be carried out, and a crash may forget it.
        case unanswered
    }

    enum Message: Sendable {
        case link(RecorderLink.Event)
        case trigger(ExitTrigger, OfferReceipt)
        case answer(run: String, ExitAnswer)
        case instruments(Answer<ExchangeInfo>)
        case warmed
        case account(Answer<AccountConfig>)
    }
    private struct Inbox {
        var messages: [Message] = []
        var isStopping = false
        var triggers = 0
    }
    private let inbox = Mutex(Inbox())
    private let arrival = DispatchSemaphore(value: 0)
    let exchange: any ExchangeCalls
    let journal: SideJournal
    let speaker: Speaker
    let clock: ExitClock
    let rules: ExitRules
    /// Called about once a second while the worker is well.
    let isWell: @Sendable (String) -> Void

    package init(
        exchange: any ExchangeCalls, journal: SideJournal, speaker: Speaker, clock: ExitClock,
        rules: ExitRules = ExitRules(), isWell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.exchange = exchange
        self.journal = journal
        self.speaker = speaker
        self.clock = clock
        self.rules = rules
        self.isWell = isWell
    }

    // MARK: From other threads

    /// A trigger from the local socket, judged as the log would judge it.
    package func offer(_ fields: FieldMap) -> Offer {
        let now = Timestamp(nanoseconds: clock.wallNanoseconds())
        switch PanicTrigger.read(fields, recordedAt: now) {
        case .refused(let why):
            speaker.warn("a trigger of the local socket is refused: \(why.detail)")
            return .refused(why.detail)
        case .accepted(let request):
            let receipt = OfferReceipt()
            guard put(.trigger(ExitTrigger(request, cameAt: now), receipt)) else {
                return .refused("\(Limits.exitTriggersWaitingMax) triggers wait already")
            }
            return receipt.isKept(within: Limits.exitSocketMillisecondsMax) ? .taken : .unanswered
        }
    }

    package func hear(_ event: RecorderLink.Event) { put(.link(event)) }

    package func stop() {
        inbox.withLock { $0.isStopping = true }
        arrival.signal()
    }

    var isStopping: Bool { inbox.withLock { $0.isStopping } }

    @discardableResult
    func put(_ message: Message) -> Bool {
        let isTaken = inbox.withLock { inbox in
            if case .trigger = message {
                guard inbox.triggers < Limits.exitTriggersWaitingMax else { return false }
                inbox.triggers += 1
            }
            inbox.messages.append(message)
            return true
        }
        arrival.signal()
        return isTaken
    }

    /// What has come by `end`, at the latest.
    func messages(until end: Milliseconds) -> [Message] {
        while true {
            let found = inbox.withLock { inbox in
                defer { (inbox.messages, inbox.triggers) = ([], 0) }
                return inbox.messages
            }
            let now = now
            if !found.isEmpty || now >= end || isStopping { return found }
            _ = arrival.wait(timeout: .now() + .milliseconds(Int(end - now)))
        }
    }

    var now: Milliseconds { Milliseconds(clock.bootNanoseconds() / 1_000_000) }

    /// Runs until `stop`; a run that has begun is finished first, unless it waits for the log.
    @available(*, noasync)
    package func run(_ link: @escaping @Sendable ([String]) -> Void) {
        var course = ExitCourse(worker: self, send: link)
        course.begin()
        while !(isStopping && course.mayEnd) { course.turn() }
        speaker.say(course.isIdle ? "stopped" : "stopped; what the log has not taken yet stands in the journal")
        speaker.flush(within: 1_000)
    }
}
