// Recovery's table: told once everybody has looked and all that was found has its end; what has none is told as that.

import Records
import Testing

import Services

@Suite struct RecoveryReportTests {
    private let intent = SequenceNumber(3)
    private let request = SequenceNumber(7)

    private func row(_ found: RecoveryReport.Found, _ id: String = "") -> RecoveryReport.Row {
        RecoveryReport.Row(found, symbol: "BTCUSDT", clientOrderID: id, traceID: "t")
    }

    @Test func theTableComesOnceEverybodyHasLookedAndAllHasItsEnd() {
        var report = RecoveryReport(awaiting: ["execution", "feeds"])
        report.find(row(.request, "bs1"), request)
        report.find(row(.intent), intent)
        report.hasLooked("execution")
        #expect(report.takeTable() == nil)
        report.resolve(request, as: "FILLED")
        report.resolve(SequenceNumber(99), as: "FILLED")  // was not found here
        report.resolve(intent, as: "FILLED")
        #expect(report.takeTable() == nil, "the feeds have not looked")
        let trade = RecoveryReport.Row(
            .trade, symbol: "ETHUSDT", clientOrderID: "", traceID: "", resolution: "fill of trade 5")
        report.take(trade)
        report.hasLooked("feeds")
        #expect(
            report.takeTable() == [
                "3 found, 3 resolved",
                "  FOUND                    SYMBOL   CLIENT ORDER ID  TRACE ID  RESOLVED AS",
                "  request without outcome  BTCUSDT  bs1              t         FILLED",
                "  intent without end       BTCUSDT  -                t         FILLED",
                "  trade in the feeds' gap  ETHUSDT  -                -         fill of trade 5",
            ])
        #expect(report.takeTable() == nil && report.takeRest() == nil, "once")
    }

    @Test func nothingIsToldOnceAndWhatIsFoundLaterIsToldAgain() {
        var report = RecoveryReport(awaiting: ["execution"])
        #expect(report.takeTable() == nil)
        report.hasLooked("execution")
        #expect(report.takeTable() == ["nothing was left unfinished"])
        #expect(report.takeTable() == nil)
        report.find(row(.acknowledgement), intent)
        report.find(row(.acknowledgement), intent)  // claimed twice
        #expect(report.takeTable() == nil)
        report.resolve(intent, as: "acknowledged")
        #expect(report.takeTable()?.count == 3)
    }

    @Test func whatHasNoEndIsUnresolved() throws {
        var report = RecoveryReport(awaiting: ["execution", "feeds"])
        report.find(row(.request, "bs1"), request)
        report.find(row(.intent), intent)
        report.resolve(request, as: "NOT_FOUND_AFTER_HORIZON")
        let rest = report.takeRest()
        let lines = try #require(rest)
        #expect(lines.first == "2 found, 1 resolved")
        #expect(lines.last?.hasSuffix("UNRESOLVED") == true)
        #expect(report.takeRest() == nil)
    }

    @Test func aLongTableIsCutAndCounted() throws {
        var report = RecoveryReport(awaiting: [])
        let count = Limits.recoveryRowsShownMax + 7
        for number in 1...count { report.find(row(.intent), SequenceNumber(UInt64(number))) }
        for number in 1...count { report.resolve(SequenceNumber(UInt64(number)), as: "FILLED") }
        let table = report.takeTable()
        let lines = try #require(table)
        #expect(lines.count == 3 + Limits.recoveryRowsShownMax)
        #expect(lines.first == "\(count) found, \(count) resolved" && lines.last == "  and 7 more")
    }
}
