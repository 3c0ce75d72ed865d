// A long load with slow readers: does the file grow faster than its records, does any process' memory grow?
// Two writers at a steady rate, a consumer that keeps up and one that lags (both overwrite the groups' state
// all the time), and a reader that holds one snapshot after the other. Every process is its own, as in life.

import EventLog
import Foundation
import Processes
import Records

extension LogBench {
    static func load(_ folder: String, seconds: Int, rate: Int) throws {
        guard seconds >= 8 else { fail("load takes at least 8 seconds: its quarters are compared\n") }
        let made = try openLog(folder)
        for group in ["steady", "lagging"] { try BenchGroup(made, group).create() }
        made.close()
        let log = try openLog(folder, .reading)
        defer { log.close() }
        let processes = try LoadProcesses(folder, rate: rate)
        let interval = min(10, seconds / 8)
        let began = log.clock.boot().nanoseconds
        var samples: [LoadSample] = []
        for moment in stride(from: interval, through: seconds, by: interval) {
            let due = began + UInt64(moment) * 1_000_000_000
            while log.clock.boot().nanoseconds < due { usleep(20_000) }
            samples.append(try processes.sample(log, seconds: moment))
            note(samples.last!.line)
        }
        processes.stop()
        let verdict = LoadVerdict(samples, rate: rate)
        note(verdict.line)
        print(verdict.json)
    }

    /// Batches of 20, `rate` records a second; what it misses it does not make up for.
    static func loadWriter(_ folder: String, rate: Int) throws {
        let batch = 20
        let pause = UInt64(batch) * 1_000_000_000 / UInt64(rate)
        let log = try openLog(folder)
        var generator = BenchGenerator()
        var due = log.clock.boot().nanoseconds
        while true {
            appendAll(log, batch, &generator)
            let now = log.clock.boot().nanoseconds
            due = due + pause < now ? now : due + pause
            usleep(UInt32((due - now) / 1_000))
        }
    }

    static func loadConsumer(_ folder: String) throws {
        let log = try openLog(folder)
        OSThread.start("lagging") { try! lag(BenchGroup(log, "lagging")) }
        try keepUp(log, BenchGroup(log, "steady"))
    }

    /// As the service loop does.
    private static func keepUp(_ log: EventLog, _ group: BenchGroup) throws {
        while true {
            let head = try log.head().sequence
            let entries = try group.readNew(100)
            if entries.isEmpty {
                try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                    try log.head().sequence > head
                }
            } else {
                try group.acknowledge(entries.map(\.id))
            }
        }
    }

    /// Sleeps for seconds, then catches up. Every second entry of a batch stays pending until the next batch:
    /// so its run of pending entries falls apart, row by row.
    private static func lag(_ group: BenchGroup) throws {
        var held: [EntryID] = []
        while true {
            usleep(UInt32.random(in: 1_000_000...5_000_000))
            while true {
                let ids = try group.readNew(500).map(\.id)
                if ids.isEmpty { break }
                let parts = Dictionary(grouping: ids.indices) { $0 % 2 }.mapValues { $0.map { ids[$0] } }
                if !held.isEmpty { try group.acknowledge(held) }
                try group.acknowledge(parts[0] ?? [])
                held = parts[1] ?? []
            }
        }
    }

    /// One snapshot of 1 to 2 s after the other, each with a slow walk from a random place.
    static func loadReader(_ folder: String) throws {
        let log = try openLog(folder, .reading)
        while true {
            let end = log.clock.boot().nanoseconds + UInt64.random(in: 1_000_000_000...2_000_000_000)
            try log.snapshot { snapshot in
                let start = SequenceNumber(.random(in: 1...max(1, try snapshot.head().sequence.rawValue)))
                var seen = 0
                try snapshot.walk(from: start) { _ in
                    seen += 1
                    if seen.isMultiple(of: 200) { usleep(5_000) }
                    return log.clock.boot().nanoseconds < end
                }
                while log.clock.boot().nanoseconds < end { usleep(5_000) }
            }
        }
    }
}

/// The processes of the load, by what they do.
private struct LoadProcesses {
    let writers: [Child]
    let consumer: Child
    let reader: Child
    private let folder: String

    init(_ folder: String, rate: Int) throws {
        func start(_ mode: String, _ more: String...) throws -> Child {
            try Child("log-bench", [mode, folder] + more, reads: .output)
        }
        self.folder = folder
        writers = [try start("load-writer", "\(rate / 2)"), try start("load-writer", "\(rate / 2)")]
        consumer = try start("load-consumer")
        reader = try start("load-reader")
    }

    func sample(_ log: EventLog, seconds: Int) throws -> LoadSample {
        for child in writers + [consumer, reader] where !child.isRunning { LogBench.fail("\(child.name) ended\n") }
        let attributes = try FileManager.default.attributesOfItem(atPath: log.folder.log + "/data.mdb")
        guard let bytes = attributes[.size] as? Int else { LogBench.fail("no size of data.mdb\n") }
        return LoadSample(
            seconds: seconds, records: Int(try log.head().sequence.rawValue), fileBytes: bytes,
            lag: Int(try BenchGroup(log, "lagging").lag()),
            writerKB: writers.map { $0.anonymousKilobytes() }.max() ?? 0,
            consumerKB: consumer.anonymousKilobytes(), readerKB: reader.anonymousKilobytes())
    }

    func stop() { for child in writers + [consumer, reader] { child.stop() } }
}

private struct LoadSample {
    let seconds: Int
    let records: Int
    let fileBytes: Int
    let lag: Int
    /// Of the larger writer.
    let writerKB: Int
    let consumerKB: Int
    let readerKB: Int

    var bytesPerRecord: Double { Double(fileBytes) / Double(max(1, records)) }

    var line: String {
        String(
            format: "%5d s  %d records  data.mdb %.1f MiB  %.0f bytes a record  lag %d  "
                + "anonymous memory: writer %.1f, consumer %.1f, reader %.1f MiB",
            seconds, records, Double(fileBytes) / 1_048_576, bytesPerRecord, lag, Double(writerKB) / 1024,
            Double(consumerKB) / 1024, Double(readerKB) / 1024)
    }
}

/// The first quarter's samples beside the last quarter's. Says numbers, decides nothing.
private struct LoadVerdict {
    let samples: [LoadSample]
    let rate: Int
    private let first: ArraySlice<LoadSample>
    private let last: ArraySlice<LoadSample>

    init(_ samples: [LoadSample], rate: Int) {
        (self.samples, self.rate) = (samples, rate)
        let quarter = samples.count / 4
        (first, last) = (samples.prefix(quarter), samples.suffix(quarter))
    }

    private func means(_ value: (LoadSample) -> Double) -> [Double] {
        [first, last].map { $0.reduce(0) { $0 + value($1) } / Double($0.count) }
    }

    /// What the file grew by, a record, within a quarter: the sample before it is its beginning.
    private var addedBytesPerRecord: [Double] {
        let quarter = first.count
        return [(0, quarter), (samples.count - 1 - quarter, samples.count - 1)].map { from, to in
            let (a, b) = (samples[from], samples[to])
            return Double(b.fileBytes - a.fileBytes) / Double(max(1, b.records - a.records))
        }
    }

    private var figures: [(name: String, values: [Double])] {
        [
            ("bytes_per_record", means { $0.bytesPerRecord }), ("added_bytes_per_record", addedBytesPerRecord),
            ("writer_kb", means { Double($0.writerKB) }), ("consumer_kb", means { Double($0.consumerKB) }),
            ("reader_kb", means { Double($0.readerKB) }),
        ]
    }

    private var ratePerSecond: Int {
        let (a, b) = (samples[0], samples[samples.count - 1])
        return (b.records - a.records) / (b.seconds - a.seconds)
    }

    var line: String {
        let shown = figures.map { $0.name + String(format: " %.0f → %.0f", $0.values[0], $0.values[1]) }
        return "first → last quarter, at \(ratePerSecond) records/s: " + shown.joined(separator: ", ")
    }

    var json: String {
        let end = samples[samples.count - 1]
        let pairs = figures.map { "\"\($0.name)\":" + String(format: "[%.1f,%.1f]", $0.values[0], $0.values[1]) }
        return "{\"peer\":\"backstop\",\"mode\":\"load\",\"seconds\":\(end.seconds),\"wanted_per_s\":\(rate),"
            + "\"rate_per_s\":\(ratePerSecond),\"records\":\(end.records),\"file_bytes\":\(end.fileBytes),"
            + pairs.joined(separator: ",") + "}"
    }
}
