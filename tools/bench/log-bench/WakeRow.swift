// How long after an append has returned another process has read the record: a consumer that waits for its
// group as the service loop does, or a follower that waits for the head alone. Both processes read
// CLOCK_BOOTTIME, which is one clock for all.

import EventLog
import Foundation
import Records

extension LogBench {
    /// Lone appends at random moments; who waits for them is a process of its own.
    static func wake(_ mode: String, _ folder: String, _ count: Int, waiter: String) throws {
        let log = try openLog(folder)
        defer { log.close() }
        var generator = BenchGenerator()
        appendAll(log, 1, &generator)  // session and stream are not what is timed
        let group = BenchGroup(log, "wake")
        try group.create()
        try group.acknowledge(try group.readNew(1).map(\.id))

        let child = try Child("log-bench", [waiter, folder, "\(count)"], reads: .output)
        guard child.line() == "ready" else { fail("\(waiter) did not start\n") }
        var returned: [UInt64: Int] = [:]
        for _ in 0..<count {
            usleep(UInt32.random(in: 20_000...80_000))
            appendAll(log, 1, &generator)
            let now = Int(log.clock.boot().nanoseconds)
            returned[try log.head().sequence.rawValue] = now
        }
        // Below zero where the commit was visible before its append had returned.
        var late: [Int] = []
        while let line = child.line() {
            let numbers = line.split(separator: " ").compactMap { Int($0) }
            guard numbers.count == 2, let from = returned[UInt64(numbers[0])] else { fail("\(waiter) says \(line)\n") }
            late.append(numbers[1] - from)
        }
        child.waitForEnd()
        guard late.count == count else { fail("\(late.count) of \(count) records were read\n") }
        late.sort()
        func micros(_ percent: Int) -> Double { Double(late[(count - 1) * percent / 100]) / 1e3 }
        let figures = String(
            format: "\"n\":%d,\"median_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f", count, micros(50), micros(99),
            micros(100))
        print("{\"peer\":\"backstop\",\"mode\":\"\(mode)\",\(figures)}")
    }

    /// Prints each record's sequence, and when the group had delivered it and it was read.
    static func wakeConsumer(_ folder: String, _ count: Int) throws {
        let log = try openLog(folder)
        defer { log.close() }
        let group = BenchGroup(log, "wake")
        var lines: [String] = []
        print("ready")
        fflush(nil)
        while lines.count < count {
            let head = try log.head().sequence
            let entries = try group.readNew(64)
            if entries.isEmpty {
                try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                    try log.head().sequence > head
                }
            } else {
                for entry in entries { lines.append(try readLine(log, entry.sequence)) }
                try group.acknowledge(entries.map(\.id))
            }
        }
        print(lines.joined(separator: "\n"))
    }

    /// As above, of who only reads.
    static func wakeFollower(_ folder: String, _ count: Int) throws {
        let log = try openLog(folder, .reading)
        defer { log.close() }
        var lines: [String] = []
        var last = try log.head().sequence
        print("ready")
        fflush(nil)
        while lines.count < count {
            let head = try log.wait(past: last, milliseconds: Limits.wakeIntervalMillisecondsMax).sequence
            while last < head {
                last = last.next
                lines.append(try readLine(log, last))
            }
        }
        print(lines.joined(separator: "\n"))
    }

    /// Reads the record, then the clock.
    private static func readLine(_ log: EventLog, _ sequence: SequenceNumber) throws -> String {
        guard try log.snapshot({ try $0.record(sequence) }) != nil else { fatalError("record \(sequence) is missing") }
        return "\(sequence) \(log.clock.boot().nanoseconds)"
    }
}
