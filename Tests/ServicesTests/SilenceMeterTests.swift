// Silence grows with the watcher's ticks, ends with progress, and does not grow while the watcher stands still.

import Records
import Services
import Testing

@Suite struct SilenceMeterTests {
    private func silence(_ ticks: [(milliseconds: UInt64, progress: UInt64)]) -> UInt64 {
        var meter = SilenceMeter(at: BootInstant(nanoseconds: 0))
        for tick in ticks {
            meter.tick(progress: tick.progress, at: BootInstant(nanoseconds: tick.milliseconds * 1_000_000))
        }
        return meter.nanoseconds / 1_000_000
    }

    @Test func itGrowsWithTheTicksAndEndsWithProgress() {
        #expect(silence([(100, 0), (200, 0), (300, 0)]) == 300)
        #expect(silence([(100, 0), (200, 1)]) == 0)
        #expect(silence([(100, 0), (200, 1), (300, 1), (400, 1)]) == 200)
    }

    @Test func standingStillIsNobodysSilence() {
        #expect(silence([(100, 0), (8_100, 0)]) == 300)
        #expect(silence([(100, 0), (8_100, 0), (8_200, 1)]) == 0)
    }

    @Test func aWatcherThatRunsSeesALongOne() {
        let ticks = (1...60).map { (milliseconds: UInt64($0) * 100, progress: UInt64(7)) }
        #expect(silence(ticks) == 5_900)
    }
}
