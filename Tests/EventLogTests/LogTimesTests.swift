// A time becomes a place: what halving finds is what a walk over every record finds.

import Testing

import EventLog
import Records

@Suite struct LogTimesTests {
    @Test func theFirstRecordOfATimeIsWhatAWalkFinds() throws {
        let clock = TestClock()
        try withLog(clock: clock.clock) { log in
            let none = try log.snapshot { try $0.first(recordedAt: Timestamp(milliseconds: 0)) }
            #expect(none == SequenceNumber(1), "an empty log has its first record still before it")
            var random = SystemRandomNumberGenerator()
            for number in 0..<60 {
                // Several records of one moment, gaps, and a clock that goes back.
                clock.advance(milliseconds: [0, 0, 1, 7, 500, -3].randomElement(using: &random) ?? 0)
                _ = try log.append([draft("record \(number)", key: "k\(number)")])
            }
            var stamps: [Timestamp] = []
            try log.walk(from: SequenceNumber(1), through: nil) { record in
                stamps.append(record.recordedAt)
                return true
            }
            let asked = stamps.flatMap { stamp in
                [-1, 0, 1].map { Timestamp(nanoseconds: stamp.nanoseconds + $0) }
            }
            for time in asked {
                let found = try log.snapshot { try $0.first(recordedAt: time) }
                let place = stamps.firstIndex { $0 >= time } ?? stamps.count
                #expect(found == SequenceNumber(UInt64(place) + 1), "\(time)")
            }
        }
    }
}
