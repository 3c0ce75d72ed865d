// Times as producers write them, and as Backstop shows them. A bare number's unit follows from its size:
// 1e9 ≤ n < 1e10 seconds, 1e12… milliseconds, 1e15… microseconds, 1e18… nanoseconds, which puts every unit
// into the years 2001 to 2286 (nanoseconds end in 2262, with Int64); what lies between is refused.
// Calendar arithmetic in integers only, no Date, no clock. Digits past the nanosecond are cut off.

package import Records

package enum TimeText {

    /// Reads epoch seconds, ms, µs or ns (each with a fraction, if any), or ISO-8601 (no offset: UTC).
    /// The error's text says what is wrong; its field is the caller's.
    package static func read(_ text: String, field: String = "time") throws(MessageError) -> Timestamp {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= Limits.timeTextBytesMax else { throw unreadable(text, field) }
        let nanoseconds = bytes.allSatisfy { isDigit($0) || $0 == point } ? number(bytes) : calendar(bytes)
        guard let nanoseconds else { throw unreadable(text, field) }
        return Timestamp(nanoseconds: nanoseconds)
    }

    /// `2026-01-17T06:27:49.791495Z`: UTC, always six digits of fraction.
    package static func render(_ time: Timestamp) -> String {
        let (seconds, rest) = floorDivide(time.nanoseconds, 1_000_000_000)
        let (days, second) = floorDivide(seconds, 86_400)
        let (year, month, day) = civil(days: days)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let clock = "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        return "\(date)T\(clock).\(padded(rest / 1_000, 6))Z"
    }

    private static func unreadable(_ text: String, _ field: String) -> MessageError {
        MessageError(
            field,
            "not a time \(MessageError.quote(text)); expected epoch seconds or milliseconds from 2001 on, or ISO-8601")
    }

    private static let point = UInt8(ascii: ".")
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}

// MARK: - Bare numbers

extension TimeText {
    /// Nil where the size fits no unit.
    private static func number(_ bytes: [UInt8]) -> Int64? {
        let parts = bytes.split(separator: point, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 1 || !parts[1].isEmpty && parts[1].allSatisfy(isDigit) else { return nil }
        guard parts[0].first != 0x30, let decimals = fractionDigits(wholeDigits: parts[0].count) else { return nil }
        let fraction = parts.count == 2 ? Array(parts[1].prefix(decimals)) : []
        let zeros = [UInt8](repeating: 0x30, count: decimals - fraction.count)
        return whole(Array(parts[0]) + fraction + zeros)
    }

    /// How many decimal places of the unit make nanoseconds.
    private static func fractionDigits(wholeDigits: Int) -> Int? {
        switch wholeDigits {
        case 10: 9
        case 13: 6
        case 16: 3
        case 19: 0
        default: nil
        }
    }

    /// Nil where it is over Int64, or not digits.
    private static func whole(_ digits: [UInt8]) -> Int64? {
        var value: Int64 = 0
        guard !digits.isEmpty else { return nil }
        for digit in digits {
            guard isDigit(digit) else { return nil }
            let (scaled, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, overAgain) = scaled.addingReportingOverflow(Int64(digit - 0x30))
            guard !over, !overAgain else { return nil }
            value = sum
        }
        return value
    }
}

// MARK: - ISO-8601

extension TimeText {
    private static func calendar(_ bytes: [UInt8]) -> Int64? {
        guard bytes.count >= 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        guard let year = whole(Array(bytes[0..<4])), let month = whole(Array(bytes[5..<7])),
            let day = whole(Array(bytes[8..<10])), (1970...2261).contains(year), (1...12).contains(month),
            day >= 1, day <= daysInMonth(year, month)
        else { return nil }
        let days = days(year: year, month: month, day: day)
        if bytes.count == 10 { return days * 86_400_000_000_000 }
        guard let rest = clock(Array(bytes[10...])) else { return nil }
        return days * 86_400_000_000_000 + rest
    }

    /// `T06:27:49.791495+02:00`, from the separator on.
    private static func clock(_ bytes: [UInt8]) -> Int64? {
        guard bytes.count >= 9, [0x54, 0x74, 0x20].contains(bytes[0]), bytes[3] == 0x3a, bytes[6] == 0x3a,
            let hour = whole(Array(bytes[1..<3])), let minute = whole(Array(bytes[4..<6])),
            let second = whole(Array(bytes[7..<9])), hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 9
        var fraction: Int64 = 0
        if index < bytes.count, bytes[index] == point {
            let digits = bytes[(index + 1)...].prefix(while: isDigit)
            index += 1 + digits.count
            let nine = Array(digits.prefix(9)) + [UInt8](repeating: 0x30, count: max(0, 9 - digits.count))
            guard !digits.isEmpty, let value = whole(nine) else { return nil }
            fraction = value
        }
        guard let offset = offsetSeconds(Array(bytes[index...])) else { return nil }
        return (hour * 3600 + minute * 60 + second - offset) * 1_000_000_000 + fraction
    }

    /// Nothing, `Z`, `+02`, `+0200` or `+02:00`.
    private static func offsetSeconds(_ bytes: [UInt8]) -> Int64? {
        if bytes.isEmpty || bytes == [0x5a] || bytes == [0x7a] { return 0 }
        guard bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-") else { return nil }
        var digits = Array(bytes[1...])
        if digits.count == 5, digits[2] == 0x3a { digits.remove(at: 2) }
        guard digits.count == 2 || digits.count == 4, let hours = whole(Array(digits[0..<2])), hours < 24 else {
            return nil
        }
        guard let minutes = digits.count == 4 ? whole(Array(digits[2...])) : 0, minutes < 60 else { return nil }
        let seconds = hours * 3600 + minutes * 60
        return bytes[0] == UInt8(ascii: "-") ? -seconds : seconds
    }

    private static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
        if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days since 1970-01-01 of the proleptic Gregorian calendar; years begin in March, so that the leap
    /// day is a year's last. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shifted, 400)
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int64, _ by: Int64) -> (quotient: Int64, remainder: Int64) {
        let remainder = ((value % by) + by) % by
        return ((value - remainder) / by, remainder)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
