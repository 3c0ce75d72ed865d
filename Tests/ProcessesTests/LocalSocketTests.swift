// One message and one answer, within the time or not at all; nobody keeps another from being heard.

import Foundation
import Glibc
import Processes
import Records
import Synchronization
import Testing

@Suite struct LocalSocketTests {
    private let folder = SocketFolder()
    private var path: String { folder.path + "/exit.sock" }

    @Test func aMessageComesBackAnswered() throws {
        let listener = try LocalSocketListener(path: path) { Array("<".utf8) + $0 + Array(">".utf8) }
        defer { listener.close() }
        for text in ["a", "ü", String(repeating: "x", count: Limits.localMessageBytesMax - 2)] {
            let answer = try LocalSocket.exchange(path: path, message: Array(text.utf8), milliseconds: 5_000)
            #expect(String(decoding: answer, as: UTF8.self) == "<\(text)>")
        }
        var found = stat()
        #expect(stat(path, &found) == 0 && found.st_mode & 0o777 == 0o600)
    }

    @Test func nobodyThereIsToldAtOnce() throws {
        let started = ContinuousClock.now
        #expect(throws: LocalSocketError.nobodyThere(path: path, "No such file or directory")) {
            try LocalSocket.exchange(path: path, message: [1], milliseconds: 60_000)
        }
        let dead = try folder.deadSocket()
        #expect(throws: LocalSocketError.nobodyThere(path: dead, "Connection refused")) {
            try LocalSocket.exchange(path: dead, message: [1], milliseconds: 60_000)
        }
        #expect(ContinuousClock.now - started < .seconds(30))
    }

    /// A listener whose process is stopped takes the connection and says nothing.
    @Test func aListenerThatSaysNothingCostsTheTimeAndNoMore() throws {
        let socket = try folder.silentSocket(backlog: 1)
        defer { close(socket.descriptor) }
        // The first two wait for an answer, the others for a place in the queue.
        for _ in 0..<4 {
            let started = ContinuousClock.now
            #expect(throws: LocalSocketError.noAnswer(path: socket.path, milliseconds: 100)) {
                try LocalSocket.exchange(path: socket.path, message: [1], milliseconds: 100)
            }
            #expect(ContinuousClock.now - started >= .milliseconds(99))
        }
    }

    @Test func whoSaysNothingHoldsNobodyUp() throws {
        let listener = try LocalSocketListener(path: path) { $0 }
        defer { listener.close() }
        let silent = try (0..<Limits.localConnectionsMax * 2).map { _ in try folder.connect(to: path) }
        defer { for one in silent { close(one) } }
        for _ in 0..<3 {
            #expect(try LocalSocket.exchange(path: path, message: [7], milliseconds: 30_000) == [7])
        }
        // And the silent ones are dropped: their connection ends.
        for one in silent {
            var wanted = pollfd(fd: one, events: Int16(POLLIN), revents: 0)
            #expect(poll(&wanted, 1, 30_000) == 1)
            var byte: UInt8 = 0
            #expect(recv(one, &byte, 1, 0) == 0)
        }
    }

    @Test func whatIsTooLargeIsNeitherSentNorTaken() throws {
        let calls = Atomic<Int>(0)
        let listener = try LocalSocketListener(path: path) { message in
            calls.add(1, ordering: .relaxed)
            return message
        }
        defer { listener.close() }
        let large = [UInt8](repeating: 1, count: Limits.localMessageBytesMax + 1)
        #expect(throws: LocalSocketError.messageTooLarge(bytes: large.count)) {
            try LocalSocket.exchange(path: path, message: large, milliseconds: 1_000)
        }
        let descriptor = try folder.connect(to: path)
        defer { close(descriptor) }
        #expect(send(descriptor, large, large.count, Int32(MSG_NOSIGNAL)) == large.count)
        var byte: UInt8 = 0
        #expect(recv(descriptor, &byte, 1, 0) <= 0)
        #expect(calls.load(ordering: .relaxed) == 0)
        #expect(try LocalSocket.exchange(path: path, message: [1], milliseconds: 30_000) == [1])
    }

    @Test func aDeadProcessSocketIsReplacedAndALivingOneIsNot() throws {
        let dead = try folder.deadSocket()
        let listener = try LocalSocketListener(path: dead) { $0 }
        #expect(try LocalSocket.exchange(path: dead, message: [1], milliseconds: 30_000) == [1])
        #expect(throws: LocalSocketError.taken(path: dead)) { try LocalSocketListener(path: dead) { $0 } }
        #expect(try LocalSocket.exchange(path: dead, message: [2], milliseconds: 30_000) == [2])
        listener.close()
        #expect(!FileManager.default.fileExists(atPath: dead))
    }

    @Test func somethingElseAtThePathStaysThere() throws {
        #expect(FileManager.default.createFile(atPath: path, contents: Data("mine".utf8)))
        #expect(throws: LocalSocketError.self) { try LocalSocketListener(path: path) { $0 } }
        #expect(FileManager.default.contents(atPath: path) == Data("mine".utf8))
    }

    @Test func aPathThatIsTooLongIsAnErrorThatSaysSo() throws {
        let long = folder.path + "/" + String(repeating: "x", count: 108)
        #expect(throws: LocalSocketError.self) { try LocalSocketListener(path: long) { $0 } }
        let error = #expect(throws: LocalSocketError.self) {
            try LocalSocket.exchange(path: long, message: [1], milliseconds: 10)
        }
        #expect(error?.description.contains("1 to 107 are allowed") == true)
    }

    /// Of many that start at once over one dead socket exactly one listens.
    @Test func manyListenersOneSocket() async throws {
        let dead = try folder.deadSocket()
        let listeners = await withTaskGroup(of: LocalSocketListener?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do { return try LocalSocketListener(path: dead) { $0 } } catch { return nil }
                }
            }
            return await group.reduce(into: [LocalSocketListener]()) { all, one in
                if let one { all.append(one) }
            }
        }
        #expect(listeners.count == 1)
        #expect(try LocalSocket.exchange(path: dead, message: [3], milliseconds: 30_000) == [3])
        for listener in listeners { listener.close() }
    }
}

/// A folder of its own, short enough for a socket's path; removed at the end.
private final class SocketFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/backstop-socket-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit {
        // What is left in /tmp is the machine's to clean.
        _ = try? FileManager.default.removeItem(atPath: path)
    }

    /// Bound and listened to once, by nobody now.
    func deadSocket() throws -> String {
        let socket = try silentSocket(backlog: 1)
        close(socket.descriptor)
        return socket.path
    }

    /// Listens, accepts nothing.
    func silentSocket(backlog: Int32) throws -> (path: String, descriptor: Int32) {
        let place = path + "/silent.sock"
        let descriptor = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
        try #require(call(descriptor, place) { bind($0, $1, $2) } == 0)
        try #require(listen(descriptor, backlog) == 0)
        return (place, descriptor)
    }

    func connect(to place: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0)
        try #require(call(descriptor, place) { Glibc.connect($0, $1, $2) } == 0)
        return descriptor
    }

    private func call(
        _ descriptor: Int32, _ place: String, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(place.utf8)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
