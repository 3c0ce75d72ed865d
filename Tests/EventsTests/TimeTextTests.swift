// Times: every spelling of the wire, units by size, and an exact calendar.

import Records
import Testing

@testable import Events

struct TimeTextTests {
    @Test(
        arguments: [
            ("1763818338.28", 1_763_818_338_280_000_000), ("1763818338", 1_763_818_338_000_000_000),
            ("1763818338282", 1_763_818_338_282_000_000), ("1763818338282.5", 1_763_818_338_282_500_000),
            ("1763818338282193", 1_763_818_338_282_193_000), ("1763818338282193001", 1_763_818_338_282_193_001),
            ("1763818338.12345678987654321", 1_763_818_338_123_456_789),
            ("2025-11-22T13:32:18.282193+00:00", 1_763_818_338_282_193_000),
            ("2025-11-22T13:32:18.282193", 1_763_818_338_282_193_000),
            ("2025-11-22 13:32:18.282193Z", 1_763_818_338_282_193_000),
            ("2025-11-22T15:32:18+0200", 1_763_818_338_000_000_000),
            ("2025-11-22T08:02:18-05:30", 1_763_818_338_000_000_000),
            ("2025-11-22T15:32:18+02", 1_763_818_338_000_000_000), ("2025-11-22", 1_763_769_600_000_000_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000_000), ("1970-01-01T00:00:00Z", 0),
            ("1000000000", 1_000_000_000_000_000_000),
        ] as [(String, Int64)])
    func everySpellingIsTheSameMoment(_ text: String, _ nanoseconds: Int64) throws {
        #expect(try TimeText.read(text).nanoseconds == nanoseconds)
    }

    @Test(arguments: [
        "", "0", "-1763818338", "17638183380", "176381833", "1763818338.", ".5", "1e9", "0763818338", "1763818338,5",
        "2025-02-29T00:00:00", "2100-02-29", "2025-13-01", "2025-00-01", "2025-01-00", "2025-04-31",
        "2025-11-22T24:00:00",
        "2025-11-22T13:60:00", "2025-11-22T13:32:60", "2025-11-22T13:32", "2025-11-22T13:32:18.",
        "2025-11-22T13:32:18+2",
        "2025-11-22T13:32:18+25:00", "2025-11-22T13:32:18 UTC", "2025-11-22Tx3:32:18", "NaN", "9999-01-01",
        "9300000000000000000",
        "2025-11-22T13:32:18.0000000000000000000000000000000000000",
    ])
    func whatIsNoTimeIsRefused(_ text: String) {
        #expect(throws: MessageError.self) { try TimeText.read(text) }
    }

    @Test func whatIsRenderedIsReadAgain() throws {
        var random = SplitMix(7)
        for _ in 0..<2_000 {
            let time = Timestamp(nanoseconds: Int64(random.next() % 9_000_000_000_000_000) * 1_000)
            #expect(try TimeText.read(TimeText.render(time)) == time)
        }
        #expect(TimeText.render(Timestamp(nanoseconds: 1_763_818_338_282_193_999)) == "2025-11-22T13:32:18.282193Z")
        #expect(TimeText.render(Timestamp(nanoseconds: -1)) == "1969-12-31T23:59:59.999999Z")
    }

    @Test func everyDayUntil2229FollowsTheOneBefore() throws {
        var last = ""
        for day in 0..<(260 * 365) {
            let text = String(TimeText.render(Timestamp(nanoseconds: Int64(day) * 86_400_000_000_000)).prefix(10))
            #expect(try text > last && TimeText.read(text).nanoseconds == Int64(day) * 86_400_000_000_000)
            last = text
        }
        #expect(last > "2229-10-01")
    }
}
