// The stream's state machine in virtual time: when a key is extended, when a connection is given up, how long it
// waits, and what it says of it. No threads and no sockets.

import Records
import Testing

@testable import Exchange
@testable import ExchangeClient

/// A course, its clock, and everything that it has told.
private struct Course {
    var course: StreamCourse
    var now: Int64 = 1_000_000
    var told: [String] = []
    /// The attempt of the last key that was asked for.
    var attempt = 0
    static let minute: Int64 = 60_000
    static let key = try! ListenKey(ListenKeyTests.text)
    static let otherKey = try! ListenKey(String(repeating: "zx81zx81", count: 8))

    init(_ change: (inout StreamPacing) -> Void = { _ in }) {
        var settings = StreamPacing { $0.upperBound }
        change(&settings)
        course = StreamCourse(settings)
    }

    /// In words; what is told is kept.
    @discardableResult
    mutating func take(_ actions: [StreamAction]) -> [String] {
        actions.map { action in
            switch action {
            case .askKey(let attempt):
                self.attempt = attempt
                return "ask \(attempt)"
            case .renewKey(let attempt): return "renew \(attempt)"
            case .connect(let key, let attempt): return "connect \(attempt)\(key == Self.key ? "" : " other")"
            case .drop(let attempt): return "drop \(attempt)"
            case .closeKey: return "close key"
            case .tell(let notice):
                told.append(notice.word)
                return notice.word
            }
        }
    }

    @discardableResult
    mutating func goLive(_ key: ListenKey = Course.key) -> [String] {
        take(course.take(key: .accepted(key), attempt: attempt, now: now))
            + take(course.opened(attempt: attempt, now: now, wall: 5))
    }

    @discardableResult
    mutating func start() -> [String] { take(course.start(now: now)) + goLive() }

    /// To the next moment in which something is due, and what is done then; frames come all the time.
    mutating func wake(hearing: Bool = true) -> [String] {
        guard let at = course.wakeAt else { return ["nothing is due"] }
        now = max(now, at)
        let actions = take(course.tick(now: now))
        if hearing { course.heard(attempt: attempt, now: now) }
        return actions
    }

    /// Whatever is due in so much time.
    @discardableResult
    mutating func pass(_ milliseconds: Int64, hearing: Bool = true) -> [String] {
        let end = now + milliseconds
        var actions: [String] = []
        var rounds = 0
        while let at = course.wakeAt, at <= end, rounds < 10_000 {
            rounds += 1
            if hearing { course.heard(attempt: attempt, now: at - 1) }
            guard course.wakeAt == at else { continue }  // it was due for silence alone
            now = at
            actions += take(course.tick(now: at))
        }
        now = end
        return actions
    }

    static func rejected(_ code: Int) -> Rejection { Rejection(kind: .request, status: 400, code: code, text: "no") }
}

extension StreamNotice {
    /// One word for expectations: `connected`, `event TRADE_LITE`, `unreadable`, `disconnected silent`.
    var word: String {
        switch self {
        case .connected: "connected"
        case .event(.order(let update)): "event \(update.execution.rawValue)"
        case .event(.account): "event ACCOUNT"
        case .event(.listenKeyExpired): "event listenKeyExpired"
        case .event(.other(let type)): "event \(type)"
        case .unreadable: "unreadable"
        case .disconnected(let loss): "disconnected \(loss.reason.rawValue)"
        }
    }
}

@Suite struct StreamCourseTests {
    @Test func aKeyThenAConnectionThenEvents() {
        var it = Course()
        #expect(it.take(it.course.start(now: it.now)) == ["ask 1"])
        #expect(it.goLive() == ["connect 1", "connected"])
        #expect(it.take(it.course.take(.event(.other(type: "X")), attempt: 1, now: it.now)) == ["event X"])
        #expect(it.take(it.course.take(.unreadable("x"), attempt: 1, now: it.now)) == ["unreadable"])
    }

    @Test func theKeyIsExtendedEveryHalfHourFromWhenItWasAskedFor() {
        var it = Course()
        it.take(it.course.start(now: it.now))
        it.now += 9_000  // the answer is slow
        it.goLive()
        for _ in 0..<5 {
            let before = it.now
            #expect(it.pass(30 * Course.minute) == ["renew 1"])
            #expect(it.course.wakeAt! <= before + 60 * Course.minute)
            it.take(it.course.take(renewal: .accepted(Course.key), attempt: 1, now: it.now))
        }
        #expect(it.told == ["connected"])
    }

    @Test func aKeyIsNotAskedForTwiceAtOnce() {
        var it = Course()
        it.start()
        #expect(it.pass(45 * Course.minute) == ["renew 1"])
        #expect(it.take(it.course.tick(now: it.now)) == [])
    }

    @Test func anExtensionThatFailsIsTriedEachMinuteUntilTheKeyHasEnded() {
        var it = Course()
        it.start()
        it.pass(30 * Course.minute)
        var tries = 1
        var last: [String] = []
        while last.isEmpty || last == ["renew 1"], tries < 100 {
            it.take(it.course.take(renewal: .unknown(Unknown(reason: .timedOut, text: "x")), attempt: 1, now: it.now))
            last = it.wake()
            tries += 1
        }
        #expect(tries == 31 && last == ["drop 1", "disconnected keyExpired"])
        #expect(it.wake() == ["ask 2"])
    }

    @Test func theEndOfAKeyIsCountedFromTheExtensionThatWorked() {
        var it = Course()
        it.start()
        it.pass(30 * Course.minute)
        it.take(it.course.take(renewal: .accepted(nil), attempt: 1, now: it.now))
        #expect(it.pass(59 * Course.minute) == ["renew 1"])
        #expect(it.pass(1 * Course.minute) == ["drop 1", "disconnected keyExpired"])
    }

    /// A slow answer: the exchange may have counted from the moment in which it was asked.
    @Test func anExtensionCountsFromItsQuestion() {
        var it = Course()
        it.start()
        it.pass(30 * Course.minute)
        it.pass(10 * Course.minute)
        it.take(it.course.take(renewal: .accepted(nil), attempt: 1, now: it.now))
        #expect(it.pass(20 * Course.minute) == ["renew 1"])
        #expect(it.pass(30 * Course.minute - 1) == [])
        #expect(it.pass(1) == ["drop 1", "disconnected keyExpired"])
    }

    @Test func theAnswerToAnEarlierConnectionsExtensionIsNotHeard() {
        var it = Course()
        it.start()
        it.pass(30 * Course.minute)
        it.take(it.course.lost(StreamLoss(reason: .lost, text: "x"), attempt: 1, now: it.now))
        _ = it.wake()
        it.goLive()
        #expect(it.pass(30 * Course.minute) == ["renew 2"])
        let gone = Answer<ListenKey?>.rejected(Course.rejected(-1125))
        #expect(it.take(it.course.take(renewal: gone, attempt: 1, now: it.now)) == [])
        #expect(it.take(it.course.take(renewal: gone, attempt: 2, now: it.now)) != [])
    }

    @Test(arguments: ["unknown", "other"])
    func aKeyThatIsGoneIsReplacedAtOnce(_ how: String) {
        var it = Course()
        it.start()
        it.pass(30 * Course.minute)
        let answer: Answer<ListenKey?> = how == "other" ? .accepted(Course.otherKey) : .rejected(Course.rejected(-1125))
        let actions = it.take(it.course.take(renewal: answer, attempt: 1, now: it.now))
        #expect(actions == ["drop 1", "disconnected keyExpired"])
        #expect(it.wake() == ["ask 2"])
        #expect(it.goLive(Course.otherKey) == ["connect 2 other", "connected"])
    }

    @Test func theExchangesOwnWordEndsTheKey() {
        var it = Course()
        it.start()
        let actions = it.take(it.course.take(.event(.listenKeyExpired), attempt: 1, now: it.now))
        #expect(actions == ["event listenKeyExpired", "drop 1", "disconnected keyExpired"])
        #expect(it.wake() == ["ask 2"])
    }

    @Test func silenceIsALossAndAnyFrameBreaksIt() {
        var it = Course()
        it.start()
        it.now += 299_999
        it.course.heard(attempt: 1, now: it.now)
        #expect(it.take(it.course.tick(now: it.now + 299_999)) == [])
        #expect(it.take(it.course.tick(now: it.now + 300_000)) == ["drop 1", "disconnected silent"])
    }

    @Test func aConnectionIsMadeAnewBeforeTheExchangeWouldCutIt() {
        var it = Course()
        it.start()
        var actions: [String] = []
        while it.now < 1_000_000 + 82_800_000 {
            actions = it.pass(30 * Course.minute)
            if actions == ["renew 1"] {
                it.take(it.course.take(renewal: .accepted(Course.key), attempt: 1, now: it.now))
            }
        }
        #expect(actions.suffix(3) == ["drop 1", "disconnected renewed", "ask 2"])
        #expect(it.goLive() == ["connect 2", "connected"])
    }

    @Test func waitsDoubleUpToTheirBoundAndAGoodConnectionEndsThat() {
        var it = Course()
        it.take(it.course.start(now: it.now))
        var waits: [Int64] = []
        for _ in 0..<70 {
            it.take(
                it.course.take(
                    key: .notSent(NotSent(reason: .noConnection, text: "x")), attempt: it.attempt, now: it.now))
            waits.append(it.course.wakeAt! - it.now)
            #expect(it.wake() == ["ask \(it.attempt)"])
        }
        #expect(waits.prefix(8) == [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000])
        #expect(waits.dropFirst(8).allSatisfy { $0 == 30_000 })
        // A connection that breaks at once is no good one.
        it.goLive()
        it.take(it.course.lost(StreamLoss(reason: .lost, text: "x"), attempt: it.attempt, now: it.now + 59_999))
        #expect(it.course.wakeAt == it.now + 59_999 + 30_000)
        it.pass(59_999 + 30_000)
        it.goLive()
        it.take(it.course.lost(StreamLoss(reason: .lost, text: "x"), attempt: it.attempt, now: it.now + 60_000))
        #expect(it.course.wakeAt == it.now + 60_000 + 250)
    }

    @Test func halfOfAWaitIsChance() {
        var asked: [ClosedRange<Int64>] = []
        for choice in [0, 1] {
            var it = Course { $0.random = { choice == 0 ? $0.lowerBound : $0.upperBound } }
            it.take(it.course.start(now: 0))
            it.take(it.course.take(key: .rejected(Course.rejected(-2015)), attempt: 1, now: 0))
            asked.append(it.course.wakeAt!...it.course.wakeAt!)
        }
        #expect(asked == [125...125, 250...250])
    }

    @Test func aHandshakeHasItsTime() {
        var it = Course()
        it.take(it.course.start(now: it.now))
        it.take(it.course.take(key: .accepted(Course.key), attempt: 1, now: it.now))
        #expect(it.course.wakeAt == it.now + 10_000)
        #expect(it.wake() == ["drop 1", "disconnected timedOut"])
        #expect(it.take(it.course.opened(attempt: 1, now: it.now, wall: 5)) == [], "too late")
    }

    @Test func whatSpeaksOfAnEarlierConnectionIsNotHeard() {
        var it = Course()
        it.start()
        it.take(it.course.lost(StreamLoss(reason: .lost, text: "x"), attempt: 1, now: it.now))
        _ = it.wake()
        it.goLive()
        let told = it.told
        let late: [[StreamAction]] = [
            it.course.take(.event(.listenKeyExpired), attempt: 1, now: it.now),
            it.course.lost(StreamLoss(reason: .lost, text: "x"), attempt: 1, now: it.now),
            it.course.opened(attempt: 1, now: it.now, wall: 5),
            it.course.take(key: .accepted(Course.otherKey), attempt: 1, now: it.now),
            it.course.take(renewal: .rejected(Course.rejected(-1125)), attempt: 1, now: it.now),
            it.course.take(renewal: .rejected(Course.rejected(-1125)), attempt: 2, now: it.now),
        ]
        #expect(late.joined().isEmpty && it.told == told)
    }

    /// In whatever state: its word is the last one.
    @Test(arguments: ["asking", "connecting", "live", "waiting"])
    func afterCloseNothingIsToldAndNothingIsDone(_ state: String) {
        var it = Course { $0.closesKey = true }
        it.take(it.course.start(now: it.now))
        switch state {
        case "connecting": it.take(it.course.take(key: .accepted(Course.key), attempt: 1, now: it.now))
        case "live": it.goLive()
        case "waiting": it.take(it.course.take(key: .rejected(Course.rejected(-2015)), attempt: 1, now: it.now))
        default: break
        }
        let actions = it.take(it.course.close())
        let hasKey = state == "connecting" || state == "live"
        #expect(actions == ["drop 1"] + (hasKey ? ["close key"] : []) + ["disconnected closed"])
        #expect(it.course.wakeAt == nil && it.course.close().isEmpty)
        let late: [[StreamAction]] = [
            it.course.take(.event(.listenKeyExpired), attempt: 1, now: it.now),
            it.course.lost(StreamLoss(reason: .lost, text: "x"), attempt: 1, now: it.now),
            it.course.opened(attempt: 1, now: it.now, wall: 5), it.course.tick(now: .max),
            it.course.take(key: .accepted(Course.otherKey), attempt: 1, now: it.now),
        ]
        #expect(late.joined().isEmpty)
    }

    /// Random inputs, forged ones among them: what is told always follows the grammar, and dropped connections are
    /// silent.
    @Test(arguments: [31, 32, 33] as [UInt64])
    func whatIsToldFollowsTheGrammar(_ seed: UInt64) {
        var random = SplitMix(seed)
        var it = Course()
        it.take(it.course.start(now: it.now))
        var isConnected = false
        for round in 0..<20_000 {
            it.now += Int64(random.next() % 200_000)
            let attempt = random.next() % 4 == 0 ? it.attempt - 1 : it.attempt
            let before = it.told.count
            switch random.next() % 8 {
            case 0: it.take(it.course.take(key: .accepted(Course.key), attempt: attempt, now: it.now))
            case 1: it.take(it.course.opened(attempt: attempt, now: it.now, wall: 5))
            case 2: it.take(it.course.take(.unreadable("x"), attempt: attempt, now: it.now))
            case 3: it.take(it.course.take(.event(.listenKeyExpired), attempt: attempt, now: it.now))
            case 4: it.take(it.course.lost(StreamLoss(reason: .lost, text: "x"), attempt: attempt, now: it.now))
            case 5: it.take(it.course.take(renewal: .accepted(nil), attempt: attempt, now: it.now))
            case 6: it.course.heard(attempt: attempt, now: it.now)
            default: it.take(it.course.tick(now: it.now))
            }
            for word in it.told[before...] {
                let isOfConnection = word.hasPrefix("event") || word == "unreadable"
                #expect(!isOfConnection || isConnected, "seed \(seed), round \(round)")
                if word == "connected" { #expect(!isConnected, "seed \(seed), round \(round)") }
                isConnected = word == "connected" || isOfConnection
            }
        }
        #expect(it.told.filter { $0 == "connected" }.count > 100)
    }
}
