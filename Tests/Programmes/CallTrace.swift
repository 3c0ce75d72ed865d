// What CallShim recorded of a process: every call on a log's files, in the order in which they were done, with
// the bytes of every write, and the marks that the process made between them.

import Foundation

struct CallTrace {
    /// As in CallShim.h.
    enum Kind: UInt8, CaseIterable {
        case path, open, read, write, sync, truncate, map, unlink, rename, allocate, mark
    }

    struct Event {
        let kind: Kind
        /// A write through a descriptor that syncs by itself; a sync that was made.
        let isSynced: Bool
        /// The call that was made to fail.
        let isInjected: Bool
        let path: Int
        /// errno, or 0.
        let error: Int32
        let offset: Int
        /// Where the bytes of a write or a mark stand in the trace.
        let bytes: Range<Int>
    }

    let bytes: [UInt8]
    private(set) var events: [Event] = []
    /// Below the log's folder.
    private(set) var paths: [String] = []

    private static let headerBytes = 24

    init(at path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else { throw Trouble("no trace at \(path)") }
        bytes = [UInt8](data)
        var place = 0
        while place + CallTrace.headerBytes <= bytes.count { try read(&place) }
        guard place == bytes.count else { throw Trouble("the trace \(path) is cut off at \(place)") }
    }

    private mutating func read(_ place: inout Int) throws {
        let (event, end) = try bytes.withUnsafeBytes { raw in
            guard let kind = Kind(rawValue: raw[place]) else { throw Trouble("no call of kind \(raw[place])") }
            let flags = raw[place + 1]
            let length = Int(raw.loadUnaligned(fromByteOffset: place + 16, as: UInt32.self))
            let start = place + CallTrace.headerBytes
            guard start + length <= raw.count else { throw Trouble("the trace is cut off at \(place)") }
            let event = Event(
                kind: kind, isSynced: flags & 1 != 0, isInjected: flags & 2 != 0,
                path: Int(raw.loadUnaligned(fromByteOffset: place + 2, as: UInt16.self)),
                error: raw.loadUnaligned(fromByteOffset: place + 4, as: Int32.self),
                offset: Int(raw.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)),
                bytes: start..<start + length)
            return (event, start + length)
        }
        if event.kind == .path {
            guard event.path == paths.count else { throw Trouble("path \(event.path) out of order") }
            paths.append(String(decoding: bytes[event.bytes], as: UTF8.self))
        } else {
            events.append(event)
        }
        place = end
    }

    func calls(_ kind: Kind) -> Int { events.count { $0.kind == kind } }

    /// What was made to fail, for people: `write log/data.mdb at 8192`.
    var injected: String? {
        events.first { $0.isInjected }.map { "\($0.kind) \(paths[$0.path]) at \($0.offset)" }
    }
}
