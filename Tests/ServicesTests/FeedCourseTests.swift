// When the feeds look: at once where something may have been missed, by schedule otherwise, and never in a hurry where the
// exchange does not answer. No threads and no exchange.

import Testing

import Exchange
import Records

@testable import Services

@Suite struct FeedCourseTests {
    private static let options: FeedOptions = {
        var options = FeedOptions()
        (options.intervalMilliseconds, options.sweepMilliseconds) = (60_000, 600_000)
        return options
    }()

    /// Its first look is done, and the stream stands since 1,000.
    private static func standing() -> FeedCourse {
        var course = FeedCourse(options, at: 0)
        _ = course.turn(at: 0)
        course.looked(isWhole: true, at: 10)
        course.take(.connected(at: .init(milliseconds: 1)), at: 1_000)
        _ = course.turn(at: 1_000)
        course.looked(isWhole: true, at: 1_010)
        return course
    }

    @Test func itBeginsWithASweepWhetherTheStreamStandsOrNot() {
        var course = FeedCourse(Self.options, at: 7)
        #expect(course.turn(at: 7).look == FeedCourse.Look(isSweep: true, lostFor: 0))
        course.looked(isWhole: true, at: 8)
        course.take(.connected(at: .init(milliseconds: 1)), at: 9)
        #expect(course.turn(at: 9).look == FeedCourse.Look(isSweep: true, lostFor: nil))
        course.looked(isWhole: true, at: 10)
        #expect(course.wakeAt == 60_009)
        #expect(course.turn(at: 60_008).look == nil)
        #expect(course.turn(at: 60_009).look == FeedCourse.Look(isSweep: false, lostFor: nil))
    }

    @Test func aGapThatCouldNotBeClosedIsLookedAtAgainAfterASecond() {
        var course = Self.standing()
        course.take(.unreadable("?"), at: 2_000)
        #expect(course.wakeAt <= 2_000)
        #expect(course.turn(at: 2_000).look?.isSweep == true)
        course.looked(isWhole: false, at: 2_500)
        #expect(course.wakeAt == 3_500)
        #expect(course.turn(at: 3_499).look == nil)
        #expect(course.turn(at: 3_500).look?.isSweep == true)
        course.looked(isWhole: true, at: 3_600)
        #expect(course.wakeAt == 63_500)
    }

    /// What happened after the look had begun may not be in it.
    @Test func aGapDuringALookIsLookedAtAfterIt() {
        var course = Self.standing()
        course.take(.unreadable("?"), at: 2_000)
        _ = course.turn(at: 2_000)
        course.take(.disconnected(StreamLoss(reason: .lost, text: "")), at: 2_100)
        course.take(.connected(at: .init(milliseconds: 1)), at: 2_200)
        #expect(course.turn(at: 2_300).look == nil)
        course.looked(isWhole: true, at: 2_400)
        #expect(course.turn(at: 2_400).look == FeedCourse.Look(isSweep: true, lostFor: nil))
    }

    @Test func aLossIsLookedAtWhenItHasLastedTooLongHoweverLongTheInterval() {
        var course = Self.standing()
        course.take(.disconnected(StreamLoss(reason: .lost, text: "")), at: 5_000)
        course.take(.disconnected(StreamLoss(reason: .noConnection, text: "")), at: 9_000)
        #expect(course.wakeAt == 35_001)
        #expect(course.turn(at: 35_001).look == FeedCourse.Look(isSweep: false, lostFor: 30_001))
        course.looked(isWhole: false, at: 35_002)
        #expect(course.wakeAt == 95_001)
    }

    @Test func anUpdateIsHandedOutOnce() throws {
        var course = Self.standing()
        let message = #"""
            {"e":"ORDER_TRADE_UPDATE","E":1,"T":1,"o":{"s":"BTCUSDT","c":"x","S":"BUY","o":"MARKET","f":"GTC","q":"1",
            "p":"0","ap":"1","sp":"0","x":"TRADE","X":"FILLED","i":8,"l":"1","z":"1","L":"1","n":"0","N":"USDT","T":1,"t":9,
            "m":false,"R":false,"ps":"BOTH","rp":"0"}}
            """#
        course.take(.event(try StreamEvent(reading: Array(message.utf8))), at: 2_000)
        #expect(course.wakeAt <= 2_000)
        #expect(course.turn(at: 2_000).updates.map(\.orderID) == [8])
        #expect(course.turn(at: 2_000).updates.isEmpty)
    }
}
