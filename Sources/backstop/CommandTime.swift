// Times and places as an operator types them. One that could mean two moments is an error that says how to write
// it: at 03:12, in another zone than the server's, a guess would show the wrong night.

import EventLog
import Events
import Records

enum CommandTime {
    static let help =
        "ISO-8601 with its zone (2026-01-17T06:27Z, 2026-01-17T07:27:49.5+01:00), epoch, or an age: 90s, 15m"

    static func read(_ text: String, option: String, now: Timestamp) throws -> Timestamp {
        if let age = try age(text, option, now) { return age }
        let isEpoch = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        guard isEpoch || hasZone(text) else { throw CannotRun("\(option) \(text): \(advice(text, now))") }
        do { return try TimeText.read(isEpoch ? text : withSeconds(text), field: option) } catch {
            throw CannotRun("\(error); give \(help)")
        }
    }

    private static func age(_ text: String, _ option: String, _ now: Timestamp) throws -> Timestamp? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()) else { return nil }
        let (age, isTooLong) = count.multipliedReportingOverflow(by: unit * 1_000_000_000)
        guard !isTooLong, count >= 0, age <= now.nanoseconds else {
            throw CannotRun("\(option) \(text): an age from 0s to the year 1970 is needed")
        }
        return Timestamp(nanoseconds: now.nanoseconds - age)
    }

    /// Behind the clock: `Z`, or a sign and digits.
    private static func hasZone(_ text: String) -> Bool {
        guard let clock = text.firstIndex(where: { $0 == "T" || $0 == "t" || $0 == " " }) else { return false }
        let rest = text[clock...]
        return rest.hasSuffix("Z") || rest.hasSuffix("z") || rest.contains("+") || rest.contains("-")
    }

    /// `2026-01-17T06:27Z` has no seconds.
    private static func withSeconds(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count > 16, bytes[13] == UInt8(ascii: ":"), bytes[16] != UInt8(ascii: ":") else { return text }
        return String(decoding: bytes[..<16], as: UTF8.self) + ":00" + String(decoding: bytes[16...], as: UTF8.self)
    }

    private static func advice(_ text: String, _ now: Timestamp) -> String {
        let bytes = Array(text.utf8)
        let today = TimeText.render(now).prefix(10)
        let isDigit = bytes.map { (0x30...0x39).contains($0) }
        if bytes.contains(UInt8(ascii: "/")) {
            return "day and month cannot be told apart; write the year first, and the zone: \(today)T03:12:00Z"
        }
        if let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon <= 2, isDigit[..<colon].allSatisfy({ $0 }) {
            let padded = String(repeating: "0", count: 2 - colon) + text
            return "has neither a day nor a zone; write \(today)T\(padded)Z for UTC, or with the zone's offset: "
                + "\(today)T\(padded)+01:00"
        }
        if bytes.count >= 10, isDigit[..<4].allSatisfy({ $0 }), bytes[4] == UInt8(ascii: "-") {
            let clock = bytes.count == 10 ? "T00:00:00" : ""
            return "has no zone, and may be UTC or a local time; write \(text)\(clock)Z for UTC, or the zone's "
                + "offset: \(text)\(clock)+01:00"
        }
        return "not a time; give \(help) (ISO-8601 is year-month-dayThour:minute:second and the zone)"
    }
}

/// The moment of an answer "as of": a sequence, or a time. A bare number is a sequence, never an epoch.
enum AsOf {
    static let help = "As of this sequence (a bare number), or of this time: all that was recorded up to it."

    static func read(_ text: String, _ log: EventLog) throws -> SequenceNumber {
        let head = try log.head().sequence
        if let number = UInt64(text) {
            guard number <= head.rawValue else {
                throw CannotRun(
                    "--as-of \(text): the log ends at \(head); a bare number is a sequence, write a time as "
                        + "2026-01-17T03:12:00Z")
            }
            return SequenceNumber(number)
        }
        let now = log.clock.now()
        let time = try CommandTime.read(text, option: "--as-of", now: now)
        guard time <= now else { throw CannotRun("--as-of \(text): \(TimeText.render(time)) has not come yet") }
        // Times are shown to the microsecond: one that was copied from a record means that record, too.
        let shown = Timestamp(nanoseconds: time.nanoseconds / 1_000 * 1_000 + 1_000)
        return try log.snapshot { try $0.first(recordedAt: shown).previous }
    }
}
