// SIGTERM and SIGINT, once somebody listens: none is lost. A signal that is ignored first and listened to later
// is lost in between, and one that was blocked by the parent is thrown away by the ignoring. So a handler is
// there from one moment to the next, and a thread of our own lets through what is blocked.

internal import CLinux
internal import Glibc

/// Where the handler writes; set once, before it is installed.
nonisolated(unsafe) private var arrivals: Int32 = -1

package enum StopSignals {
    package struct CannotListen: Error, CustomStringConvertible {
        package let description: String
    }

    /// Calls `body` with each signal's number, on a thread of its own. Once per process.
    package static func listen(_ body: @escaping @Sendable (Int32) -> Void) throws {
        precondition(arrivals == -1, "one listener")
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw CannotListen(description: "pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let from = ends[0]
        arrivals = ends[1]
        for number in [SIGTERM, SIGINT] {
            signal(number) { number in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(arrivals, &byte, 1)  // a full pipe holds signals enough
                errno = before
            }
        }
        OSThread.start("signals") {
            var wanted = sigset_t()
            sigemptyset(&wanted)
            for number in [SIGTERM, SIGINT] { sigaddset(&wanted, number) }
            pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
            var byte: UInt8 = 0
            while true {
                if read(from, &byte, 1) == 1 { body(Int32(byte)) }
            }
        }
    }
}
