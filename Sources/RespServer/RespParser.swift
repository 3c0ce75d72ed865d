// Commands out of a stream of bytes, as they come: multi-bulk (`*2\r\n$4\r\nECHO\r\n…`) and inline (`PING`), with Redis'
// error texts. Pure. It trusts no announced length: what a length announces is allocated only as it comes in, and
// a length beyond its bound ends the connection before anything of it is read. After an error nothing is parsed.

internal import Records

package struct RespParser: Sendable {
    package enum Result: Equatable, Sendable {
        /// Never empty.
        case command([[UInt8]])
        /// Bytes are missing.
        case incomplete
        /// To be answered, then the connection is closed; without the leading `ERR `. Nil: it is closed without a word.
        case failed(String?)
    }

    private var buffer: [UInt8] = []
    /// What stands before it is done with.
    private var next = 0
    /// Where the search for a line's end goes on.
    private var searched = 0
    private var words: [[UInt8]] = []
    /// Of a multi-bulk command that is under way; 0: none is.
    private var wordsLeft = 0
    private var bytesOfCommand = 0
    /// Of the bulk that comes; nil: its length comes first.
    private var bulkLength: Int?
    private var failure: Result?

    package init() {}

    /// Bytes that were given and not used yet.
    package var waitingBytes: Int { buffer.count - next + bytesOfCommand }
    package var isIdle: Bool { waitingBytes == 0 && wordsLeft == 0 }

    package mutating func append(_ bytes: some Sequence<UInt8>) {
        guard failure == nil else { return }
        if next > 0 {
            buffer.removeFirst(next)
            searched -= next
            next = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next command, where it has come in whole.
    package mutating func parse() -> Result {
        if let failure { return failure }
        while true {
            let step = wordsLeft > 0 ? multiBulk() : begin()
            switch step {
            case .goOn: continue
            case .done(.failed(let text)):
                failure = .failed(text)
                buffer = []
                (next, searched, words) = (0, 0, [])
                return .failed(text)
            case .done(let result): return result
            }
        }
    }

    private enum Step {
        case goOn
        case done(Result)

        static func fail(_ text: String) -> Step { .done(.failed("Protocol error: \(text)")) }
    }

    // MARK: Lines

    private enum Line {
        case found([UInt8])
        case missing
        case tooLong
    }

    /// Up to the line's end (`\r\n`; inline commands: `\n` is enough), which is taken, too.
    private mutating func line(strict: Bool) -> Line {
        searched = max(searched, next)
        while searched < buffer.count {
            guard buffer[searched] == 0x0a else {
                searched += 1
                continue
            }
            let hasReturn = searched > next && buffer[searched - 1] == 0x0d
            if strict, !hasReturn {
                searched += 1
                continue
            }
            let found = Array(buffer[next..<(hasReturn ? searched - 1 : searched)])
            next = searched + 1
            return found.count > Limits.respLineBytesMax ? .tooLong : .found(found)
        }
        return buffer.count - next > Limits.respLineBytesMax ? .tooLong : .missing
    }

    // MARK: A command's beginning

    private mutating func begin() -> Step {
        guard next < buffer.count else { return .done(.incomplete) }
        return buffer[next] == 0x2a ? multiBulkHead() : inline()
    }

    private mutating func multiBulkHead() -> Step {
        switch line(strict: true) {
        case .missing: return .done(.incomplete)
        case .tooLong: return .fail("too big mbulk count string")
        case .found(let line):
            guard let count = RedisNumber.integer(line.dropFirst()), count <= Limits.respArgumentsMax else {
                return .fail("invalid multibulk length")
            }
            (words, bytesOfCommand, bulkLength) = ([], 0, nil)
            wordsLeft = Int(max(0, count))
            return .goOn
        }
    }

    private mutating func inline() -> Step {
        switch line(strict: false) {
        case .missing: return .done(.incomplete)
        case .tooLong: return .fail("too big inline request")
        case .found(let line):
            guard let words = InlineWords.split(line) else { return .fail("unbalanced quotes in request") }
            if words.isEmpty { return .goOn }
            return .done(RespParser.isHTTP(words[0]) ? .failed(nil) : .command(words))
        }
    }

    /// A web page that was made to speak to us.
    private static func isHTTP(_ word: [UInt8]) -> Bool {
        let lower = word.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 }
        return lower.elementsEqual("post".utf8) || lower.elementsEqual("host:".utf8)
    }

    // MARK: Bulks

    private mutating func multiBulk() -> Step {
        guard let length = bulkLength else { return bulkHead() }
        guard buffer.count - next >= length + 2 else { return .done(.incomplete) }
        guard buffer[next + length] == 0x0d, buffer[next + length + 1] == 0x0a else {
            return .fail("expected a line's end after a bulk")
        }
        words.append(Array(buffer[next..<next + length]))
        next += length + 2
        bulkLength = nil
        wordsLeft -= 1
        guard wordsLeft == 0 else { return .goOn }
        defer { (words, bytesOfCommand) = ([], 0) }
        return .done(RespParser.isHTTP(words[0]) ? .failed(nil) : .command(words))
    }

    private mutating func bulkHead() -> Step {
        switch line(strict: true) {
        case .missing: return .done(.incomplete)
        case .tooLong: return .fail("too big bulk count string")
        case .found(let line):
            guard line.first == 0x24 else {
                let found = line.first.map { String(decoding: [$0], as: UTF8.self) } ?? "\\r"
                return .fail("expected '$', got '\(found)'")
            }
            guard let length = RedisNumber.integer(line.dropFirst()), (0...Int64(Limits.respBulkBytesMax)) ~= length,
                bytesOfCommand + Int(length) <= Limits.respCommandBytesMax
            else { return .fail("invalid bulk length") }
            bytesOfCommand += Int(length) + 16
            bulkLength = Int(length)
            return .goOn
        }
    }
}
