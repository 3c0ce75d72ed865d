// What the headers of an answer say about budgets and waiting. Read line by line, as they come. A header that
// is malformed or absurd is left out: none of them is needed for a decision, and a larger wait than
// Limits.retryAfterSecondsMax would only help somebody who wants us silent.

internal import Records

package struct AnswerHeaders: Equatable, Sendable {
    /// Of the last minute window, as the exchange counts it.
    package var usedWeight: Int?
    package var ordersInTenSeconds: Int?
    package var ordersInMinute: Int?
    package var retryAfterSeconds: Int?

    package init() {}

    /// One line, with or without its end.
    package mutating func read(line: some Collection<UInt8>) {
        let text = String(decoding: line, as: UTF8.self)
        guard let colon = text.firstIndex(of: ":") else { return }
        let name = text[..<colon].lowercased()
        let value = text[text.index(after: colon)...].trimmed
        switch name {
        case "x-mbx-used-weight-1m": usedWeight = AnswerHeaders.count(value)
        case "x-mbx-order-count-10s": ordersInTenSeconds = AnswerHeaders.count(value)
        case "x-mbx-order-count-1m": ordersInMinute = AnswerHeaders.count(value)
        case "retry-after": retryAfterSeconds = AnswerHeaders.count(value).map { min($0, Limits.retryAfterSecondsMax) }
        default: break
        }
    }

    /// At most nine digits.
    private static func count(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = self
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return rest
    }
}
