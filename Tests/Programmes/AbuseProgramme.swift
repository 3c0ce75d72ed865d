// A client that knows no manners: mutated commands, lengths that lie, nested arrays, garbage, HTTP, half-closed and cut
// off, each input on a connection of its own, to a real `serve --resp`. Every one is answered and ended; whoever
// behaves is served all the time, and memory stays where it was.

import Foundation
import Glibc

package enum AbuseProgramme: Programme {
    package static let name = "abuse"
    package static let promise =
        "whatever a client of the Redis face sends, its connection ends, the server lives, and others are served"
    package static let unit = "inputs"
    package static let casesInFull = 1_000_000

    private static let inputsPerLook = 1_000
    /// Growth of what is not mapped from files, in MiB.
    private static let memoryGrowthMax = 96

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        try abuse(budget, seed, bench, killsServer: false, &report)
        var control = Report(Self.self, seed: seed)
        try abuse(Budget(casesMax: 100, seconds: nil), seed, bench, killsServer: true, &control)
        report.controls = [Report.Control(name: "a server that dies", cases: control.cases, bad: control.bad)]
        return report
    }

    private static func abuse(
        _ budget: Budget, _ seed: UInt64, _ bench: Bench, killsServer: Bool, _ report: inout Report
    ) throws {
        try WorkFolder.lend(bench) { folder in
            let environment = [
                "PATH": "/usr/bin:/bin", "BACKSTOP_LOG": folder + "/log", "BACKSTOP_LOG_RESERVE_BYTES": "0",
            ]
            let face = try RespFace(folder: folder, environment: environment, program: bench.binaries + "/backstop")
            let polite = try face.connect(wholeErrors: true)
            var inputs = AbuseInput(seed: seed)
            var errors = 0
            var first: Int?
            while !budget.isSpent(report.cases), report.bad == 0 {
                let input = inputs.next()
                if killsServer, report.cases == 50 { _ = try face.process.killNow() }
                do {
                    let reply = try AbuseCall(face.port).perform(input)
                    if let problem = problem(reply) { report.fail("\(shown(input)): \(problem)", bench) }
                    if reply.first == UInt8(ascii: "-") { errors += 1 }
                } catch { report.fail("\(shown(input)): \(error)", bench) }
                report.cases += 1
                guard report.cases % inputsPerLook == 0 else { continue }
                let answer = try polite.run(["PING"])
                guard answer == .text("PONG") else { throw Trouble("PING is answered by \(answer)") }
                let memory = residentAnonymous(face.process.pid)
                let growth = memory - (first ?? memory)
                // What is kept for good is there after the first of them.
                if report.cases >= 20 * inputsPerLook { first = first ?? memory }
                if growth > memoryGrowthMax { report.fail("memory grew by \(growth) MiB to \(memory)", bench) }
                if report.cases % (50 * inputsPerLook) == 0 {
                    bench.progress("\(report.cases) inputs, \(report.bad) bad, \(memory) MiB")
                }
            }
            report.notes.append(
                "\(errors) answered by an error; \(residentAnonymous(face.process.pid)) MiB without mapped pages")
            guard !killsServer else { return }
            guard try face.stop().status == 0 else { throw Trouble("serve did not end in order") }
            let verified = try RunningProgram(
                ["verify"], folder: folder, environment: environment, piped: .nothing,
                program: bench.binaries + "/backstop"
            ).finish()
            if verified.status != 0 { report.fail("\(verified)", bench) }
        }
    }

    /// Replies only, or nothing.
    private static func problem(_ reply: [UInt8]) -> String? {
        guard let first = reply.first else { return nil }
        return Array("+-:$*%_~,#=(".utf8).contains(first) ? nil : "no reply: \(shown(Array(reply.prefix(80))))"
    }

    private static func shown(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(300), as: UTF8.self).debugDescription
    }

    /// In MiB.
    private static func residentAnonymous(_ pid: Int32) -> Int {
        guard let text = FileManager.default.contents(atPath: "/proc/\(pid)/status"),
            let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first(where: {
                $0.hasPrefix("RssAnon:")
            }), let kilobytes = Int(line.filter(\.isNumber))
        else { return 0 }
        return kilobytes / 1_024
    }
}

/// One connection: everything is sent, then the sending side is closed, then all that comes is read.
private struct AbuseCall {
    private static let secondsMax = 30
    private let descriptor: Int32

    init(_ port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // No TIME_WAIT here: a million connections would use up the ports.
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        var time = timeval(tv_sec: AbuseCall.secondsMax, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else {
            defer { close(descriptor) }
            throw Trouble("no connection: \(String(cString: strerror(errno)))")
        }
    }

    func perform(_ input: [UInt8]) throws -> [UInt8] {
        defer { close(descriptor) }
        // Who is closed before all was sent has been answered.
        _ = send(descriptor, input, input.count, Int32(MSG_NOSIGNAL))
        shutdown(descriptor, Int32(SHUT_WR))
        var reply: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                if reply.count < 256 { reply += chunk[..<min(count, 256)] }
            } else if count == 0 || errno == ECONNRESET {
                return reply
            } else {
                throw Trouble("the connection did not end: \(String(cString: strerror(errno)))")
            }
        }
    }
}
