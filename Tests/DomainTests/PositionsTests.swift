// The ledgers: keys, fees, details, anomalies, and what the exchange attests.

import Domain
import Events
import Records
import Testing

@Suite struct PositionsTests {
    static let key = PositionKey(venue: "binance", account: "main", symbol: "BTCUSDT", leg: .both)

    static func fill(
        _ side: EventSide, _ quantity: String, _ price: String = "100", leg: EventPositionSide = .both,
        account: String = "main"
    ) -> EventFill {
        var fill = EventFill()
        (fill.venue, fill.account, fill.symbol, fill.tradeID) = ("binance", account, "BTCUSDT", "7")
        (fill.side, fill.positionSide) = (side, leg)
        (fill.quantity, fill.price) = (decimal(quantity).event, decimal(price).event)
        return fill
    }

    @Test func keepsAccountsAndLegsApart() throws {
        var log = TestLog()
        log.append(.fill(PositionsTests.fill(.buy, "1")))
        log.append(.fill(PositionsTests.fill(.buy, "2", account: "other")))
        log.append(.fill(PositionsTests.fill(.buy, "3", leg: .long)))
        log.append(.fill(PositionsTests.fill(.sell, "4", leg: .short)))
        log.append(.fill(PositionsTests.fill(.sell, "1")))
        let positions: Positions = try log.fold()
        #expect(positions.all.map(\.position.quantity.description) == ["0", "3", "4", "2"])
        #expect(positions.open.map(\.key.leg) == [.long, .short, .both])
        #expect(positions.openCount == 3)
        #expect(positions[PositionsTests.key]?.sequence == SequenceNumber(5))
        #expect(positions[PositionsTests.key]?.fills == 2)
        #expect(positions.anomalyCount == 0)
    }

    @Test func addsFeesByAsset() throws {
        var log = TestLog()
        for (fee, asset) in [("0.1", "USDT"), ("0.002", "BNB"), ("-0.03", "USDT")] {
            var fill = PositionsTests.fill(.buy, "1")
            (fill.fee, fill.feeAsset) = (decimal(fee).event, asset)
            log.append(.fill(fill))
        }
        let fees = try #require(try log.fold(Positions.self)[PositionsTests.key]?.fees)
        #expect(fees.all.map { "\($0.asset) \($0.sum)" } == ["BNB 0.002", "USDT 0.07"])
        #expect(fees["USDT"] == sum("0.07"))
        #expect(fees["EUR"].isZero)
    }

    @Test func keepsWhatDetailsSayApart() throws {
        var log = TestLog()
        log.append(.fill(PositionsTests.fill(.buy, "1")))
        var detail = EventFillDetail()
        (detail.venue, detail.account, detail.symbol) = ("binance", "main", "BTCUSDT")
        (detail.fee, detail.feeAsset, detail.realisedProfit) = (decimal("0.5").event, "USDT", decimal("-3.25").event)
        log.append(.fillDetail(detail))
        let positions: Positions = try log.fold()
        let sums = positions.details(venue: "binance", account: "main", symbol: "BTCUSDT")
        #expect(sums.fees["USDT"] == sum("0.5"))
        #expect(sums.reportedProfit == sum("-3.25"))
        #expect(positions[PositionsTests.key]?.realisedProfit.isZero == true)
        #expect(positions[PositionsTests.key]?.fees.all.isEmpty == true)
    }

    @Test func notesWhatItCannotTakeAndGoesOn() throws {
        var log = TestLog()
        log.append(.fill(PositionsTests.fill(.buy, "1", leg: .long)))
        log.append(.fill(PositionsTests.fill(.sell, "3", leg: .long)))
        log.append(.fill(PositionsTests.fill(.unspecified, "1", leg: .long)))
        log.append(.fill(PositionsTests.fill(.buy, "0", leg: .long)))
        log.append(.fill(PositionsTests.fill(.buy, "1", leg: .UNRECOGNIZED(9))))
        log.append(.fill(PositionsTests.fill(.buy, "2", "0", leg: .long)))
        let positions: Positions = try log.fold()
        let key = PositionKey(venue: "binance", account: "main", symbol: "BTCUSDT", leg: .long)
        #expect(positions.anomalies.map(\.sequence.rawValue) == [2, 3, 4, 5, 6])
        #expect(positions.anomalies[0].text.contains("closes 3 of a leg that holds 1; 2 had no effect"))
        #expect(positions[key]?.anomalies == 4)
        #expect(positions[key]?.quantity == sum("2"))
    }

    @Test func takesTheTradeEvenWhereItsFeeCannotBeRead() throws {
        var log = TestLog()
        var fill = PositionsTests.fill(.buy, "1")
        fill.fee.coefficient = 10
        log.append(.fill(fill))
        let positions: Positions = try log.fold()
        #expect(positions[PositionsTests.key]?.quantity == sum("1"))
        #expect(positions.anomalies.count == 1)
    }

    @Test func keepsTheLastHundredAnomalies() throws {
        var log = TestLog()
        for _ in 0..<150 { log.append(.fill(PositionsTests.fill(.sell, "1", leg: .long))) }
        let positions: Positions = try log.fold()
        #expect(positions.anomalies.count == Limits.positionAnomaliesKeptMax)
        #expect(positions.anomalies.last?.sequence == SequenceNumber(150))
        #expect(positions.anomalyCount == 150)
    }

    @Test func keepsTheLastStatementOfTheExchange() throws {
        var log = TestLog()
        for quantity in ["1", "0"] {
            var message = EventPositionAttested()
            (message.venue, message.account, message.symbol, message.positionSide) = (
                "binance", "main", "BTCUSDT", .both
            )
            (message.quantity, message.entryPrice) = (decimal(quantity).event, decimal("100").event)
            message.attestedAtNs = 5
            log.append(.positionAttested(message))
        }
        let attested = try #require(try log.fold(AttestedPositions.self)[PositionsTests.key])
        #expect(attested.quantity.isZero)
        #expect(attested.entryPrice == decimal("100"))
        #expect(attested.sequence == SequenceNumber(2))
        #expect(attested.attestedAt == Timestamp(nanoseconds: 5))
    }
}
