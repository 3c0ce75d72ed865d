// The built program, as a user has it: real processes, their outputs in files or
// in a pipe that is read line by line. Nothing waits for ever, nothing sleeps, nothing outlives its test.

import Foundation
import Glibc
import Processes

package enum Program {
    /// Beside the test bundle; BACKSTOP_TEST_BINARY names another build.
    package static let path: String = {
        if let given = ProcessInfo.processInfo.environment["BACKSTOP_TEST_BINARY"] { return given }
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        for argument in ProcessInfo.processInfo.arguments where argument.contains(".xctest") {
            folder = URL(fileURLWithPath: argument).deletingLastPathComponent()
        }
        return folder.appendingPathComponent("backstop").path
    }()

    /// No wait of a test is longer.
    package static let secondsMax = 150.0
}

/// How a process ended, and what it said.
package struct Finished: CustomStringConvertible {
    package let arguments: [String]
    /// The exit status; nil after a signal.
    package let status: Int32?
    package let signal: Int32?
    package let out: String
    package let errors: String

    package var lines: [Substring] { out.split(separator: "\n") }

    package var description: String {
        let end = status.map { "exit status \($0)" } ?? "signal \(signal ?? 0)"
        let shown = arguments.joined(separator: " ").prefix(300)
        return "backstop \(shown): \(end)\n\(out.suffix(1_000))\(errors.suffix(1_000))"
    }
}

package final class RunningProgram {
    package let arguments: [String]
    private let process: ChildProcess
    private let outPath: String
    private let errorPath: String
    /// Standard output, where it was asked for line by line.
    package let answers: LinePipe?
    private var input: FileHandle?

    package var pid: Int32 { process.pid }
    package var isRunning: Bool { process.isRunning }
    /// Everything on standard error so far.
    package var errors: String { read(errorPath) }
    /// Everything on standard output so far, where it goes to a file.
    package var output: String { read(outPath) }

    package enum Piped { case nothing, output, inputAndOutput }

    /// - Parameters:
    ///   - folder: its working folder; its outputs' files are made there.
    ///   - runner: a program that runs ours, as `setpriv …`.
    ///   - program: another one than `backstop`.
    package init(
        _ arguments: [String], folder: String, environment: [String: String], piped: Piped, runner: [String] = [],
        program: String = Program.path
    ) throws {
        self.arguments = arguments
        let name = folder + "/io-" + UUID().uuidString
        (outPath, errorPath) = (name + ".out", name + ".err")
        let all = runner + [program] + arguments
        let errorFile = try RunningProgram.file(errorPath)
        // What is the child's is closed here as soon as it has it.
        var childEnds = [errorFile]
        defer { for end in childEnds { close(end) } }
        let output: Int32
        if piped == .nothing {
            output = try RunningProgram.file(outPath)
            answers = nil
        } else {
            let (from, to) = try LinePipe.ends()
            answers = LinePipe(from)
            output = to
        }
        childEnds.append(output)
        var stream = ChildProcess.Stream.null
        if piped == .inputAndOutput {
            let (from, to) = try LinePipe.ends()
            input = FileHandle(fileDescriptor: to, closeOnDealloc: true)
            childEnds.append(from)
            stream = .descriptor(from)
        }
        process = try ChildProcess(
            all[0], Array(all.dropFirst()), environment: environment, folder: folder, input: stream,
            output: .descriptor(output), errors: .descriptor(errorFile))
    }

    deinit {
        process.send(SIGKILL)
        _ = process.wait(seconds: 5)
    }

    private static func file(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Trouble("\(path): \(String(cString: strerror(errno)))") }
        return descriptor
    }

    private func read(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    // MARK: While it runs

    /// Nothing happens after its end.
    package func send(_ number: Int32) { process.send(number) }

    package func write(_ text: String) throws { try input?.write(contentsOf: Data(text.utf8)) }

    package func closeInput() throws {
        try input?.close()
        input = nil
    }

    /// Waits for its end; a process that does not end within the limit is killed, and that is an error.
    package func finish(within seconds: Double = Program.secondsMax) throws -> Finished {
        guard let end = process.wait(seconds: seconds) else {
            process.send(SIGKILL)
            throw Trouble(
                "backstop \(arguments.joined(separator: " ")) did not end within \(seconds) s\n\(errors.suffix(1_000))")
        }
        let rest = try answers?.rest(within: 10)
        let (status, signal): (Int32?, Int32?) =
            switch end {
            case .exited(let status): (status, nil)
            case .signalled(let signal): (nil, signal)
            }
        return Finished(
            arguments: arguments, status: status, signal: signal,
            out: rest.map { $0.joined(separator: "\n") } ?? read(outPath), errors: errors)
    }

    /// kill -9, and its end.
    package func killNow() throws -> Finished {
        send(SIGKILL)
        return try finish()
    }
}

/// A pipe that is read line by line, with a limit on every wait.
package final class LinePipe {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isAtEnd = false
    /// Every line that was read.
    package private(set) var lines: [String] = []

    package static func ends() throws -> (from: Int32, to: Int32) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Trouble("pipe: \(String(cString: strerror(errno)))") }
        return (ends[0], ends[1])
    }

    init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// The next line, or nil at the end.
    package func next(within seconds: Double = Program.secondsMax) throws -> String? {
        let limit = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = buffer.firstIndex(of: 0x0a) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(...end)
                lines.append(line)
                return line
            }
            if isAtEnd { return nil }
            try fill(limit)
        }
    }

    /// Reads to the end; returns every line ever read. A line without an end was cut off and is none.
    package func rest(within seconds: Double) throws -> [String] {
        let limit = ContinuousClock.now + .seconds(seconds)
        while try next(within: ContinuousClock.now.duration(to: limit) / .seconds(1)) != nil {}
        return lines
    }

    private func fill(_ limit: ContinuousClock.Instant) throws {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let left = ContinuousClock.now.duration(to: limit) / .milliseconds(1)
        let milliseconds = Int32(max(0, left))
        guard poll(&wanted, 1, milliseconds) > 0 else { throw Trouble("no line came in time") }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count <= 0 { isAtEnd = true } else { buffer += chunk[..<count] }
    }
}
