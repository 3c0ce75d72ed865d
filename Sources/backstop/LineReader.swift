// Lines of a file or of standard input, bounded, as bytes.

import Foundation
import Records

final class LineReader {
    private let file: Int32
    private let name: String
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false

    /// `-` is standard input.
    init(_ path: String) throws {
        name = path == "-" ? "standard input" : path
        file = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CannotRun("\(path): \(String(cString: strerror(errno)))") }
    }

    deinit { if file > 0 { close(file) } }

    /// The next line without its end, or nil at the end of the file.
    func next() throws -> [UInt8]? {
        while true {
            if let end = buffer[start...].firstIndex(of: 0x0a) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            if isAtEnd {
                guard start < buffer.count else { return nil }
                defer { start = buffer.count }
                return Array(buffer[start...])
            }
            guard buffer.count - start <= Limits.importLineBytesMax else {
                throw CannotRun("\(name): a line of over \(Limits.importLineBytesMax) bytes")
            }
            try fill()
        }
    }

    /// Whether the next line is not there yet.
    var wouldWait: Bool {
        guard !isAtEnd, !buffer[start...].contains(0x0a) else { return false }
        var ready = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
        return poll(&ready, 1, 0) == 0
    }

    private func fill() throws {
        buffer.removeFirst(start)
        start = 0
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(file, &chunk, chunk.count)
        guard count >= 0 else { throw CannotRun("\(name): \(String(cString: strerror(errno)))") }
        if count == 0 { isAtEnd = true } else { buffer += chunk[..<count] }
    }
}
