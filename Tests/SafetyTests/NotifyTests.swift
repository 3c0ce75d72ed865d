// What the service manager is told, by real processes over a real socket.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct NotifyTests {
    @Test(arguments: ["watchdog", "router"], [true, false])
    func startedAliveStopping(role: String, isAbstract: Bool) throws {
        try withSafetyLog { log in
            let manager = try Manager(log, isAbstract: isAbstract)
            let service = try log.start(
                ["serve", "--roles", role],
                environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "1000000"])
            let first = try manager.next()
            #expect(first.hasPrefix("READY=1\nSTATUS="), "\(first)")
            var alive = 0
            while alive < 3 { if try manager.next() == "WATCHDOG=1" { alive += 1 } }
            service.send(SIGTERM)
            while try manager.next() != "STOPPING=1" {}
            #expect(try service.finish().status == 0)
        }
    }

    /// A watchdog that stands still is not alive.
    @Test func aStoppedWatchdogIsNotAlive() throws {
        try withSafetyLog { log in
            let manager = try Manager(log, isAbstract: false)
            let watchdog = try log.start(
                ["serve", "--roles", "watchdog"],
                environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "400000"])
            while try manager.next() != "WATCHDOG=1" {}
            watchdog.send(SIGSTOP)
            while try manager.next(within: 1) != "" {}
            watchdog.send(SIGCONT)
            while try manager.next() != "WATCHDOG=1" {}
            try log.stop(watchdog)
        }
    }
}

/// The manager's end: a datagram socket with a path, or with a name in no folder.
private final class Manager {
    let name: String
    private let descriptor: Int32

    init(_ log: SafetyLog, isAbstract: Bool) throws {
        name = isAbstract ? "@backstop-" + UUID().uuidString : log.folder + "/notify"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            place.copyBytes(from: bytes)
            if isAbstract { place[0] = 0 }
        }
        let length = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] in bind(descriptor, $0, length) }
        }
        guard status == 0 else { throw Trouble("\(name): \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// The next message; empty where none came in time and that was asked for.
    func next(within seconds: Double? = nil) throws -> String {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, Int32((seconds ?? Program.secondsMax) * 1_000)) > 0 else {
            if seconds != nil { return "" }
            throw Trouble("the service manager hears nothing")
        }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }
}
