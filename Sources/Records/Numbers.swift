// The numbers that must not mix: a record's place in the log, a moment of the wall clock, a moment of
// the boot clock. Newtypes, so that the compiler keeps them apart.

/// A record's place in the one log: gapless from 1. Zero means "none".
package struct SequenceNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static let none = SequenceNumber(0)
    package var next: SequenceNumber { SequenceNumber(rawValue + 1) }
    package var previous: SequenceNumber { SequenceNumber(rawValue == 0 ? 0 : rawValue - 1) }
    package var isNone: Bool { rawValue == 0 }
    package var description: String { String(rawValue) }
    package static func < (a: SequenceNumber, b: SequenceNumber) -> Bool { a.rawValue < b.rawValue }
}

/// A moment of the wall clock: nanoseconds since 1970-01-01T00:00:00Z.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64
    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    package init(milliseconds: Int64) { nanoseconds = milliseconds * 1_000_000 }

    package var milliseconds: Int64 { nanoseconds / 1_000_000 }
    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }
}

/// A moment of one boot's clock (CLOCK_BOOTTIME), in nanoseconds. Only differences within one boot
/// mean anything; they are how ages are measured.
package struct BootInstant: Hashable, Comparable, Sendable {
    package var nanoseconds: UInt64
    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
    package static func < (a: BootInstant, b: BootInstant) -> Bool { a.nanoseconds < b.nanoseconds }
}

/// What kind of event a record's body holds. The names stand in the catalogue (Events); the log itself
/// only knows numbers, and 1 to 15 are its own.
package struct Kind: Hashable, Comparable, Sendable {
    package var rawValue: UInt16
    package init(_ rawValue: UInt16) { self.rawValue = rawValue }

    package static let sessionStarted = Kind(1)
    package static let streamCreated = Kind(2)
    package static let conflict = Kind(3)
    package static let streamHidden = Kind(4)
    package static let groupChanged = Kind(5)
    package static let logRestored = Kind(6)

    package static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
}
