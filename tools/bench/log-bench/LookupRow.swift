// How long it takes to find out which record has a key, and that none has it, one key at a time, in a process that only
// reads.

import EventLog
import Foundation
import Records

extension LogBench {
    static func lookup(_ folder: String, _ count: Int) throws {
        let log = try openLog(folder, .reading)
        defer { log.close() }
        var generator = BenchGenerator()
        let head = try log.head().sequence.rawValue
        var present: [(IdempotencyKey, SequenceNumber)] = []
        while present.count < count {
            let place = SequenceNumber(1 + generator.next() % head)
            guard let key = try log.snapshot({ try $0.record(place)?.key }) else { continue }
            present.append((key, place))
        }
        let absent = (0..<count).map { _ in draft([], &generator).key! }  // every draft here has one
        // The tail's keys are read by whoever asks first.
        _ = try log.snapshot { try $0.first(absent[0], stream: stream) }
        let found = Measured(callers: 1), missed = Measured(callers: 1)
        try time(found, log, present.map(\.0)) { place, first in first == present[place].1 }
        try time(missed, log, absent) { _, first in first == nil }
        print(found.json("lookup-present", more: ",\"records\":\(head)"))
        print(missed.json("lookup-absent", more: ",\"records\":\(head)"))
    }

    private static func time(
        _ measured: Measured, _ log: EventLog, _ keys: [IdempotencyKey], isRight: (Int, SequenceNumber?) -> Bool
    ) throws {
        measured.begin()
        for (place, key) in keys.enumerated() {
            let began = DispatchTime.now().uptimeNanoseconds
            let first = try log.snapshot { try $0.first(key, stream: stream) }
            measured.add(0, DispatchTime.now().uptimeNanoseconds - began)
            guard isRight(place, first) else { fail("\(key) is \(first.map(\.description) ?? "not there")\n") }
        }
        measured.end(count: keys.count)
    }
}
