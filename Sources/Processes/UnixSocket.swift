// A Unix socket as a descriptor that closes itself, and its addresses: paths, and names beginning with "@" that
// are in no folder ("abstract"). Every call is non-blocking; whoever waits, waits in `ready`, with a limit.

internal import Glibc
internal import Records

/// The call is socket(2).
struct UnixSocket: ~Copyable {
    let descriptor: Int32

    init(adopting descriptor: Int32) { self.descriptor = descriptor }

    init(_ kind: __socket_type) throws(LocalSocketError) {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_UNIX, Int32(kind.rawValue) | flags, 0)
        guard descriptor >= 0 else { throw .system("socket", UnixSocket.errorText()) }
    }

    deinit { close(descriptor) }

    /// Calls `body` with the address of `path`.
    static func withAddress<R>(
        of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) throws(LocalSocketError) -> R {
        let name = Array(path.utf8)
        guard !name.isEmpty, name.count <= Limits.localSocketPathBytesMax else {
            throw .badPath("\"\(path)\" has \(name.count) bytes, 1 to \(Limits.localSocketPathBytesMax) are allowed")
        }
        guard !name.contains(0) else { throw .badPath("a socket's path with a zero byte") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = name[0] == UInt8(ascii: "@")
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            place.copyBytes(from: name)
            if isAbstract { place[0] = 0 }
        }
        let head = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
        // An abstract name ends where its length says, a path with a zero.
        let length = socklen_t(head + name.count + (isAbstract ? 0 : 1))
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// Zero or the error's number.
    func connect(to path: String) throws(LocalSocketError) -> Int32 {
        let descriptor = descriptor
        return try UnixSocket.withAddress(of: path) { address, length in
            Glibc.connect(descriptor, address, length) == 0 ? 0 : errno
        }
    }

    /// Zero or the error's number.
    func bind(to path: String) throws(LocalSocketError) -> Int32 {
        let descriptor = descriptor
        return try UnixSocket.withAddress(of: path) { address, length in
            Glibc.bind(descriptor, address, length) == 0 ? 0 : errno
        }
    }

    /// Sends one message whole, or not: zero or the error's number.
    func send(_ message: [UInt8]) -> Int32 {
        while true {
            let count = Glibc.send(descriptor, message, message.count, Int32(MSG_NOSIGNAL))
            if count == message.count { return 0 }
            if count >= 0 { return EMSGSIZE }
            if errno != EINTR { return errno }
        }
    }

    enum Received {
        case message([UInt8])
        case nothingYet
        case tooLarge
        /// The other side has closed, or the connection broke.
        case ended
    }

    /// Takes one message of at most so many bytes.
    func receive(bytesMax: Int) -> Received {
        var buffer = [UInt8](repeating: 0, count: bytesMax + 1)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_TRUNC))
            if count > bytesMax { return .tooLarge }
            if count > 0 { return .message(Array(buffer[..<count])) }
            if count == 0 { return .ended }
            if errno == EAGAIN { return .nothingYet }
            if errno != EINTR { return .ended }
        }
    }

    /// Whether one of the descriptors is ready within the time; a signal ends the wait early.
    static func wait(_ wanted: inout [pollfd], milliseconds: Int) {
        for index in wanted.indices { wanted[index].revents = 0 }
        _ = poll(&wanted, nfds_t(wanted.count), Int32(clamping: max(0, milliseconds)))
    }

    static func errorText(_ number: Int32 = errno) -> String { String(cString: strerror(number)) }

    /// CLOCK_BOOTTIME: a deadline passes while the machine sleeps, too.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
