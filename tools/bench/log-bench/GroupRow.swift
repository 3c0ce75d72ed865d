// Group read + acknowledge of a stream that was filled before. A Redis hands the bodies to its consumer with
// the ids, so `group` reads each record, too; `group-ids` does not. Read and acknowledgement are a durable
// transaction each; in `group-joined`, which reads bodies, a batch's acknowledgement reads the next one.

import Dispatch
import EventLog
import Records

extension LogBench {
    static func group(_ mode: String, _ folder: String, _ count: Int, batch: Int) throws {
        let (readsBodies, isJoined) = (mode != "group-ids", mode == "group-joined")
        let log = try openLog(folder)
        defer { log.close() }
        try grow(log, toEntries: count)
        let group = BenchGroup(log, "g")
        try group.create()
        let measured = Measured(callers: 1)
        var (done, bytes) = (0, 0)
        measured.begin()
        var entries = isJoined ? try group.readNew(batch) : []
        while done < count {
            let began = DispatchTime.now().uptimeNanoseconds
            if !isJoined { entries = try group.readNew(batch) }
            guard !entries.isEmpty else { fatalError("\(done) of \(count) entries were delivered") }
            if readsBodies { bytes += try readBodies(log, entries) }
            done += entries.count
            let ids = entries.map(\.id)
            if isJoined {
                entries = try group.acknowledgeAndReadNew(ids, batch)
            } else {
                try group.acknowledge(ids)
            }
            measured.add(0, DispatchTime.now().uptimeNanoseconds - began)
        }
        measured.end(count: done)
        guard !readsBodies || bytes >= count * bodyBytes else { fatalError("bodies are missing") }
        print(measured.json(mode, more: ",\"batch\":\(batch)"))
    }

    /// Reads each entry's record, as who decides on it must.
    private static func readBodies(_ log: EventLog, _ entries: [IndexEntry]) throws -> Int {
        try log.snapshot { snapshot in
            var bytes = 0
            for entry in entries {
                guard let record = try snapshot.record(entry.sequence) else { fatalError("a record is missing") }
                bytes += record.body.count
            }
            return bytes
        }
    }
}
