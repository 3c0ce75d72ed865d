// What people and machines get to see: aligned tables on a terminal or in a pipe, JSON lines with --json.
// Colour only on a terminal, and never the only carrier of meaning.

import Events
import Foundation
import Records

enum Output {
    static let isTerminal = isatty(1) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    static let isErrorTerminal = isatty(2) == 1

    /// What came from outside, for a terminal: one line, and nothing that moves its cursor.
    static func oneLine(_ text: String) -> String {
        text.split {
            $0.isWhitespace || $0.unicodeScalars.contains { $0.properties.generalCategory == .control }
        }.joined(separator: " ")
    }

    /// What came from outside, whole: what would move a terminal's cursor, change its colours or turn the direction of
    /// what follows stands there as `\u{1b}`.
    static func tame(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isWild) else { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            if isWild(scalar) {
                out += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// As `tame`, for JSON, whose readers get the same value: JSON itself lets most of these stand as they are.
    static func tameJSON(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isWild) else { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            guard isWild(scalar) else {
                out.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return out
    }

    private static func isWild(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value >= 0x20, scalar.value < 0x7f { return false }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: return true
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation,
            .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator,
            .surrogate, .privateUse, .unassigned:
            return false
        @unknown default: return true
        }
    }

    /// Touched by the command's own thread only.
    nonisolated(unsafe) private static var buffer: [UInt8] = []
    nonisolated(unsafe) private static var isOpen = true

    /// False where nobody reads any more (a closed pipe).
    @discardableResult
    static func line(_ text: String) -> Bool { self.text(text + "\n") }

    /// With its own end of line.
    @discardableResult
    static func text(_ text: String) -> Bool {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= 1 << 16 { flush() }
        return isOpen
    }

    static func flush() {
        if !buffer.isEmpty { endProgress() }
        isOpen = isOpen && write(buffer, to: 1)
        buffer.removeAll(keepingCapacity: true)
    }

    static func toErrors(_ text: String) { _ = write(Array(text.utf8), to: 2) }

    private static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }

    static func json(_ value: JSONValue) { line(JSONText.render(value)) }

    static func error(_ text: String) { toErrors("backstop: \(text)\n") }

    /// Not while a pager has the terminal.
    nonisolated(unsafe) static var showsProgress = isErrorTerminal
    nonisolated(unsafe) private static var isProgressShown = false

    /// A line that is written over, on a terminal only.
    static func progress(_ text: String) {
        guard showsProgress else { return }
        isProgressShown = true
        toErrors("\r\u{1B}[K\(text)")
    }

    static func endProgress() {
        guard isProgressShown else { return }
        isProgressShown = false
        toErrors("\r\u{1B}[K")
    }

    enum Style: String {
        case bold = "1", dim = "2", red = "31", green = "32", yellow = "33"
    }

    static func styled(_ text: String, _ style: Style) -> String {
        isTerminal ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}

/// Columns as wide as their widest cell; numbers to the right.
struct Table {
    enum Alignment { case left, right }
    private let head: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ head: [(String, Alignment)]) { self.head = head.map { (title: $0.0, alignment: $0.1) } }

    mutating func add(_ cells: [String]) { rows.append(cells) }
    var isEmpty: Bool { rows.isEmpty }

    func print(indent: String = "") {
        let widths = head.indices.map { column in
            max(head[column].title.count, rows.map { $0[column].count }.max() ?? 0)
        }
        Output.line(indent + Output.styled(line(head.map(\.title), widths), .dim))
        for row in rows { Output.line(indent + line(row, widths)) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = cells.indices.map { column in
            let gap = String(repeating: " ", count: max(0, widths[column] - cells[column].count))
            return head[column].alignment == .left ? cells[column] + gap : gap + cells[column]
        }
        var text = padded.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// Grouped digits: 12,345,678.
func grouped(_ number: some BinaryInteger) -> String {
    let digits = String(number)
    var out = ""
    for (place, digit) in digits.reversed().enumerated() {
        if place > 0, place.isMultiple(of: 3), digit != "-" { out.append(",") }
        out.append(digit)
    }
    return String(out.reversed())
}

func bytes(_ count: Int) -> String {
    if count == .max { return "unbounded" }
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var value = Double(count)
    var unit = 0
    while value >= 1_024, unit < units.count - 1 {
        value /= 1_024
        unit += 1
    }
    return unit == 0 ? "\(count) B" : String(format: "%.1f %@", value, units[unit])
}
