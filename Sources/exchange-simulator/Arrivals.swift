// When each request has come in, for whoever measures its way here: a line a request, in nanoseconds of CLOCK_BOOTTIME,
// which is one clock for all processes of a machine. It never looks at parameters, so no key and no signature is in it.

import Glibc
import NIOHTTP1

final class Arrivals {
    private let file: Int32

    /// Makes the file, or goes on at its end.
    init(path: String) throws {
        file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw CannotRun("--arrivals \(path): \(String(cString: strerror(errno)))") }
    }

    deinit { close(file) }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// One write: whoever reads meanwhile sees whole lines.
    func add(_ head: HTTPRequestHead, at nanoseconds: UInt64) {
        let line = Array("\(nanoseconds) \(head.method.rawValue) \(head.uri.prefix { $0 != "?" })\n".utf8)
        guard write(file, line, line.count) == line.count else {
            fatalError("--arrivals: a line was not written, \(String(cString: strerror(errno)))")
        }
    }
}
