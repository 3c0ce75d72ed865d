// The answering side of LocalSocket: a thread of its own, one message a connection. Whoever connects and says
// nothing is dropped, the oldest first where there are too many, so that nobody can keep another from being heard.

internal import Glibc
internal import Records
internal import Synchronization

package final class LocalSocketListener: Sendable {
    package let path: String
    private let socket: UnixSocket
    private let stop = Latch()
    private let ended = Latch()
    private let file: FileIdentity
    private let isClosed = Atomic<Bool>(false)
    private let handler: @Sendable ([UInt8]) -> [UInt8]

    /// Listens from here on. The file has mode 0600; one that a dead process left is replaced.
    /// - Parameter handler: message → answer, on the listener's thread: it must come back soon, and must not call
    ///   `close`. An empty answer closes the connection without one.
    package init(path: String, handler: @escaping @Sendable ([UInt8]) -> [UInt8]) throws(LocalSocketError) {
        self.path = path
        self.handler = handler
        socket = try UnixSocket(SOCK_SEQPACKET)
        file = try LocalSocketListener.bind(socket, path)
        OSThread.start("local-socket") { self.run() }
    }

    /// Ends listening, waits for the thread, and takes the file away. Once.
    package func close() {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        stop.set()
        ended.wait()
        // Another process' file at this path is not ours to take away.
        if FileIdentity(of: path) == file { unlink(path) }
    }
}

// MARK: - The thread

extension LocalSocketListener {
    private final class Connection {
        let socket: UnixSocket
        let deadline: Int64
        init(_ descriptor: Int32, deadline: Int64) {
            socket = UnixSocket(adopting: descriptor)
            self.deadline = deadline
        }
    }

    private func run() {
        var connections: [Connection] = []
        while true {
            var wanted = ([stop.descriptor, socket.descriptor] + connections.map { $0.socket.descriptor })
                .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let first = connections.first?.deadline
            UnixSocket.wait(&wanted, milliseconds: first.map { Int(max(0, $0 - UnixSocket.now())) } ?? -1)
            if wanted[0].revents != 0 { break }
            connections.removeAll { serve($0) || $0.deadline <= UnixSocket.now() }
            if wanted[1].revents != 0 { accept(into: &connections) }
        }
        ended.set()
    }

    /// True: the connection is done.
    private func serve(_ connection: Connection) -> Bool {
        switch connection.socket.receive(bytesMax: Limits.localMessageBytesMax) {
        case .nothingYet: return false
        case .tooLarge, .ended: return true
        case .message(let message):
            let answer = handler(message)
            // Whoever does not wait for the answer any more has asked in time all the same.
            if !answer.isEmpty { _ = connection.socket.send(answer) }
            return true
        }
    }

    private func accept(into connections: inout [Connection]) {
        for _ in 0..<Limits.localConnectionsMax {
            let descriptor = Glibc.accept(socket.descriptor, nil, nil)
            guard descriptor >= 0 else {
                if errno == EMFILE || errno == ENFILE { usleep(10_000) }  // nothing else would slow the loop
                return
            }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            let deadline = UnixSocket.now() + Int64(Limits.localConnectionMillisecondsMax)
            let connection = Connection(descriptor, deadline: deadline)
            if serve(connection) { continue }
            if connections.count == Limits.localConnectionsMax { connections.removeFirst() }
            connections.append(connection)
        }
    }
}

// MARK: - The file

/// Which file a path names.
private struct FileIdentity: Equatable, Sendable {
    let device: UInt
    let inode: UInt
    let isSocket: Bool

    init?(of path: String) {
        var found = stat()
        guard lstat(path, &found) == 0 else { return nil }
        (device, inode) = (UInt(found.st_dev), UInt(found.st_ino))
        isSocket = found.st_mode & S_IFMT == S_IFSOCK
    }
}

extension LocalSocketListener {
    /// Binds and listens under a lock, so that of two processes that find one dead socket only one replaces it.
    private static func bind(_ socket: borrowing UnixSocket, _ path: String) throws(LocalSocketError) -> FileIdentity {
        try UnixSocket.withAddress(of: path) { _, _ in }
        let lock = try bindLock(path)
        defer { Glibc.close(lock) }
        var status = try socket.bind(to: path)
        if status == EADDRINUSE {
            try removeDead(path)
            status = try socket.bind(to: path)
        }
        guard status == 0 else { throw .system("binding \(path)", UnixSocket.errorText(status)) }
        // Nobody can connect before listen(2), so the mode is right before anybody could.
        guard chmod(path, 0o600) == 0 else { throw .system("chmod \(path)", UnixSocket.errorText()) }
        guard listen(socket.descriptor, Int32(Limits.localConnectionsMax)) == 0 else {
            throw .system("listening at \(path)", UnixSocket.errorText())
        }
        guard let file = FileIdentity(of: path) else { throw .system("lstat \(path)", UnixSocket.errorText()) }
        return file
    }

    private static func bindLock(_ path: String) throws(LocalSocketError) -> Int32 {
        let name = path + ".lock"
        let descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("opening \(name)", UnixSocket.errorText()) }
        let deadline = UnixSocket.now() + Int64(Limits.localBindMillisecondsMax)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard UnixSocket.now() < deadline else {
                Glibc.close(descriptor)
                throw .taken(path: path)
            }
            usleep(1_000)
        }
        return descriptor
    }

    /// Takes away a socket at which nobody answers; anything else stays where it is.
    private static func removeDead(_ path: String) throws(LocalSocketError) {
        guard FileIdentity(of: path)?.isSocket == true else {
            throw .system("binding \(path)", "something that is no socket is there")
        }
        let probe = try UnixSocket(SOCK_SEQPACKET)
        let status = try probe.connect(to: path)
        guard status == ECONNREFUSED else { throw .taken(path: path) }
        guard unlink(path) == 0 || errno == ENOENT else {
            throw .system("removing \(path)", UnixSocket.errorText())
        }
    }
}
