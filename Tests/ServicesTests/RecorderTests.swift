// The recorder makes records of a run's lines once, however often they come, whichever of its lives has them, and
// whoever else had the trigger in the log.

import Logging
import Synchronization
import Testing

@testable import Domain
import EventLog
import Events
import Exchange
import Processes
import Records
import Services

@Suite struct RecorderTests {
    private final class Notices: Sendable {
        private let texts = Mutex<[String]>([])
        func take(_ text: String) { texts.withLock { $0.append(text) } }
        func imported(_ trigger: String) -> Int {
            texts.withLock { $0 }.compactMap { text in
                guard case .imported(trigger, let lines) = notice(text) else { return nil }
                return lines
            }.max() ?? 0
        }
        private func notice(_ text: String) -> RecorderNotice? {
            do { return try RecorderNotice(text) } catch { return nil }
        }
    }

    private func lines(_ trigger: ExitTrigger) throws -> [ExitLine] {
        let close = CloseOrder(
            trigger: trigger.id, place: ExitPlace(symbol: try SymbolName("BTCUSDT"), side: .both), part: 1, side: .sell,
            quantity: try ExactDecimal("0.5"))
        let filled = ClosedOrder(
            state: .filled, executed: try ExactDecimal("0.5"), averagePrice: nil, exchangeOrderID: 7, errorCode: 0,
            reason: "")
        let completion = ExitCompletion(
            positionsTotal: 1, positionsClosed: 1, positionsFailed: 0, failedSymbols: [], executionMilliseconds: 40)
        return [
            .trigger(trigger), .request(close, number: 1, atNs: 1), .outcome(close, filled, number: 1),
            .completion(ExitEnd(completion: completion, startedAtNs: 1, completedAtNs: 2)),
        ]
    }

    /// One life of a recorder, which gets all lines.
    private func live(_ log: EventLog, _ trigger: ExitTrigger, _ lines: [ExitLine]) throws {
        let notices = Notices()
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let recorder = Recorder(
            log: log, views: nil, policy: ExecutionPolicy(), name: "exit-test", logger: silent
        ) { notices.take($0) }
        let ended = Latch()
        OSThread.start("test-recorder") {
            do { try recorder.run() } catch { Issue.record("\(error)") }
            ended.set()
        }
        for (place, line) in lines.enumerated() {
            recorder.take(RecorderOrder(trigger: trigger.id, place: place, line: line).text)
        }
        for _ in 0..<3_000 where notices.imported(trigger.id) < lines.count {
            log.waker.wait(milliseconds: 10) { notices.imported(trigger.id) == lines.count }
        }
        let imported = notices.imported(trigger.id)
        #expect(imported == lines.count)
        recorder.stop()
        #expect(ended.wait(milliseconds: 30_000))
    }

    private func request(_ log: EventLog) -> EventPanicRequested {
        var request = EventPanicRequested()
        (request.eventID, request.reason, request.issuer) = ("e1", "heart", "watchdog")
        (request.severity, request.producedAtNs) = ("CRITICAL", log.clock.now().nanoseconds)
        return request
    }

    /// The watchdog's own append may be in the log already, or come a moment later, or never.
    @Test(arguments: ["before", "after", "never"])
    func aTriggerOfTheSocketHasOneEndAndItsLinesAreRecordsOnce(watchdogAppends: String) throws {
        try withRoutedLog { log, _ in
            let request = request(log)
            func append() throws {
                _ = try log.append([try Drafts.panicRequested(request, key: "of/watchdog", producer: "w")], .emergency)
            }
            if watchdogAppends == "before" { try append() }
            let trigger = ExitTrigger(request, cameAt: log.clock.now())
            let lines = try lines(trigger)
            try live(log, trigger, Array(lines.prefix(1)))
            if watchdogAppends == "after" { try append() }
            try live(log, trigger, lines)
            let state = try StateReader.fold(log)
            #expect(state.trading.panics.open.isEmpty, "its completion ends whatever stood under its event id")
            #expect(try log.kinds(.panicCompleted).count == 1)
            #expect(try log.kinds(.orderRequested).count == 1 && log.kinds(.orderOutcome).count == 1)

            // A later life gets the lines of a run that still looks for an order, after an operator has resumed.
            var resume = EventResume()
            (resume.scope, resume.operator, resume.reason) = (.halt, "anna", "looked")
            let draft = try Drafts.resume(
                resume, cause: .none, basis: .none, producer: "test", at: log.clock.now())
            _ = try log.append([draft], .emergency)
            let head = try log.head().sequence
            try live(log, trigger, lines)
            #expect(try log.head().sequence == head, "nothing is written again")
            #expect(try StateReader.fold(log).trading.mode == .active)
        }
    }
}
