// Two ledgers beside each other: only what stays different is told, and zero is as good as absent.

import Events
import Records
import Testing

@testable import Domain

@Suite struct LedgerTests {
    private let btc = PositionKey(venue: "v", account: "a", symbol: "BTCUSDT", leg: .both)
    private let eth = PositionKey(venue: "v", account: "a", symbol: "ETHUSDT", leg: .both)

    private func sum(_ text: String) throws -> ExactSum { ExactSum(try ExactDecimal(text)) }

    @Test func aDifferenceIsToldWhenItHasLasted() throws {
        var watch = LedgerWatch()
        let (one, two) = (try sum("1"), try sum("2"))
        #expect(watch.compare(believed: [btc: one], attested: [btc: two], at: 0).isEmpty)
        #expect(watch.compare(believed: [btc: one], attested: [btc: two], at: 5_000).isEmpty)
        let told = watch.compare(believed: [btc: one], attested: [btc: two], at: 5_001)
        #expect(told == [LedgerDifference(key: btc, believed: one, attested: two)])
        #expect(!watch.agrees)
    }

    @Test func oneSnapshotIsNeverEnough() throws {
        var watch = LedgerWatch()
        let one = try sum("1")
        #expect(watch.compare(believed: [btc: one], attested: [:], at: 0).isEmpty)
        #expect(watch.compare(believed: [:], attested: [:], at: 60_000).isEmpty)
        #expect(watch.agrees)
        #expect(watch.compare(believed: [btc: one], attested: [:], at: 120_000).isEmpty)
    }

    @Test func whatMovesBeginsAgain() throws {
        var watch = LedgerWatch()
        let (one, two, three) = (try sum("1"), try sum("2"), try sum("3"))
        _ = watch.compare(believed: [btc: one, eth: one], attested: [btc: two, eth: two], at: 0)
        let told = watch.compare(believed: [btc: one, eth: one], attested: [btc: three, eth: two], at: 6_000)
        #expect(told.map(\.key) == [eth])
    }

    @Test func aMissingKeyIsFlat() throws {
        var watch = LedgerWatch()
        #expect(watch.compare(believed: [btc: .zero], attested: [:], at: 0).isEmpty)
        #expect(watch.agrees)
    }
}
