// One question and one answer between processes of one machine, over a Unix socket that keeps messages whole
// (SOCK_SEQPACKET). It exists for the moment in which nothing else works, so it knows no log, never blocks for
// longer than it was told, and never sends again by itself.

internal import Glibc
internal import Records

package enum LocalSocketError: Error, Equatable, CustomStringConvertible {
    /// The path can be no socket's.
    case badPath(String)
    /// No socket is there, or its owner is gone.
    case nobodyThere(path: String, String)
    /// The time is over. The message may have been taken.
    case noAnswer(path: String, milliseconds: Int)
    /// The other side closed without an answer, or said more than is allowed.
    case brokenOff(path: String)
    case messageTooLarge(bytes: Int)
    /// Another process listens there.
    case taken(path: String)
    case system(String, String)

    package var description: String {
        switch self {
        case .badPath(let problem): problem
        case .nobodyThere(let path, let problem): "nobody listens at \(path): \(problem)"
        case .noAnswer(let path, let milliseconds): "no answer from \(path) within \(milliseconds) ms"
        case .brokenOff(let path): "\(path) closed the connection without an answer"
        case .messageTooLarge(let bytes):
            "a message of \(bytes) bytes, 1 to \(Limits.localMessageBytesMax) are allowed"
        case .taken(let path): "another process listens at \(path)"
        case .system(let call, let problem): "\(call): \(problem)"
        }
    }
}

package enum LocalSocket {
    /// Connects, sends one message and waits for one answer, all within the time.
    package static func exchange(
        path: String, message: [UInt8], milliseconds: Int
    ) throws(LocalSocketError) -> [UInt8] {
        guard (1...Limits.localMessageBytesMax).contains(message.count) else {
            throw .messageTooLarge(bytes: message.count)
        }
        let deadline = UnixSocket.now() + Int64(milliseconds)
        let late = LocalSocketError.noAnswer(path: path, milliseconds: milliseconds)
        let socket = try UnixSocket(SOCK_SEQPACKET)
        try untilDone(path, deadline, late) { () throws(LocalSocketError) in try socket.connect(to: path) }
        try untilDone(path, deadline, late) { () throws(LocalSocketError) in socket.send(message) }
        while true {
            switch socket.receive(bytesMax: Limits.localMessageBytesMax) {
            case .message(let answer): return answer
            case .tooLarge, .ended: throw .brokenOff(path: path)
            case .nothingYet: break
            }
            let left = deadline - UnixSocket.now()
            guard left > 0 else { throw late }
            var wanted = [pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)]
            UnixSocket.wait(&wanted, milliseconds: Int(left))
        }
    }

    /// Whether somebody listens there; says nothing to them.
    package static func isListened(at path: String) -> Bool {
        do {
            let answer = try UnixSocket(SOCK_SEQPACKET).connect(to: path)
            return answer == 0 || answer == EAGAIN
        } catch {
            return false
        }
    }

    /// Repeats a call that answers EAGAIN: the listener's queue is full, and nothing tells when it is not.
    private static func untilDone(
        _ path: String, _ deadline: Int64, _ late: LocalSocketError, _ call: () throws(LocalSocketError) -> Int32
    ) throws(LocalSocketError) {
        while true {
            switch try call() {
            case 0: return
            case EAGAIN, EINTR:
                guard UnixSocket.now() < deadline else { throw late }
                usleep(1_000)
            case let absent where [ENOENT, ECONNREFUSED, ENOTSOCK, EPROTOTYPE, ENOTDIR, EACCES].contains(absent):
                throw .nobodyThere(path: path, UnixSocket.errorText(absent))
            case EPIPE, ECONNRESET: throw .brokenOff(path: path)
            case let other: throw .system("connecting to \(path)", UnixSocket.errorText(other))
            }
        }
    }
}
