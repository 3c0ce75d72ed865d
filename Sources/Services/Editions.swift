// A view that is built again is built beside the one in use, as another *edition*, and takes its place in one
// transaction; the one before it is kept, for a rollback. Editions of another version of the software have rows of
// their own: an older process beside a newer one keeps what it can read.

internal import LMDB
internal import Records

/// What is built in editions.
enum ViewLine {
    case state(version: UInt32)
    case search(version: UInt32)

    var name: String {
        switch self {
        case .state(let version): "state@\(version)"
        case .search(let version): "search@\(version)"
        }
    }

    func row(_ edition: UInt32) -> String { "\(name)/\(edition)" }
}

/// Which edition of a view is which. Zero: none.
struct Editions: Equatable {
    var current: UInt32 = 1
    var previous: UInt32 = 0
    var building: UInt32 = 0

    var all: [UInt32] { [current, previous, building].filter { $0 != 0 } }
    /// A number that no edition has.
    var unused: UInt32 { (all.max() ?? 0) + 1 }

    init() {}

    init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        current = try reader.fixed(UInt32.self)
        previous = try reader.fixed(UInt32.self)
        building = try reader.fixed(UInt32.self)
        try reader.finish()
        guard current != 0 else { throw .malformed("no edition is in use") }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.fixed(current)
        writer.fixed(previous)
        writer.fixed(building)
        return writer.bytes
    }
}

extension Views {
    func editions<T: ReadableTransaction & ~Copyable>(
        _ line: ViewLine, _ transaction: borrowing T
    ) throws -> Editions {
        guard let row = try transaction.get(tables.checkpoints, line.name)?.array() else { return Editions() }
        // A row that cannot be read leads to none of its editions, so all of them are built again.
        do { return try Editions(decoding: row) } catch { return Editions() }
    }

    func setEditions(_ editions: Editions, _ line: ViewLine, _ transaction: inout WriteTransaction) throws {
        try transaction.put(tables.checkpoints, line.name, editions.encoded())
    }
}
