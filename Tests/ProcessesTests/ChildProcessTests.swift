// Ends that are told, signals that do not go astray, and nothing of ours in a child's hands.

import Glibc
import Processes
import Testing

@Suite struct ChildProcessTests {
    @Test func itsExitStatusIsTold() throws {
        #expect(try shell("exit 7").wait() == .exited(7))
        #expect(try shell("kill -11 $$").wait() == .signalled(SIGSEGV))
        #expect(try ChildProcess("/bin/true", []).wait() == .exited(0))
    }

    @Test func whatCannotBeStartedIsAnErrorThatNamesIt() throws {
        let error = #expect(throws: ChildProcess.CannotStart.self) { try ChildProcess("/no/such/program", []) }
        #expect(error?.description == "/no/such/program: No such file or directory")
    }

    @Test func waitingHasALimitAndSignalsArrive() throws {
        let child = try shell("exec sleep 1000")
        #expect(child.wait(seconds: 0.01) == nil && child.isRunning)
        child.send(SIGTERM)
        #expect(child.wait(seconds: 60) == .signalled(SIGTERM))
        #expect(!child.isRunning && child.wait() == .signalled(SIGTERM))
        child.send(SIGTERM)  // after its end: nothing
    }

    /// A test's thread blocks signals, and the program that runs the tests may ignore some.
    @Test func signalsAreAsANewProgramExpectsThem() throws {
        signal(SIGPIPE, SIG_IGN)
        let (text, end) = try output("/bin/grep", ["-E", "^Sig(Blk|Ign)", "/proc/self/status"])
        #expect(end == .exited(0))
        let masks = text.split(separator: "\n").compactMap { UInt64($0.suffix(16), radix: 16) }
        let ownedByGlibc: UInt64 = 1 << 31 | 1 << 32  // signals 32 and 33; posix_spawn leaves them ignored
        #expect(masks.map { $0 & ~ownedByGlibc } == [0, 0], "\(text)")
    }

    @Test func itHasItsThreeStreamsAndNothingElse() throws {
        let left = open("/dev/null", O_RDONLY)  // not close-on-exec, on purpose
        defer { close(left) }
        let (text, _) = try output("/bin/sh", ["-c", "cat; readlink /proc/$$/fd/*; echo gone >&2"])
        let streams = text.split(separator: "\n")
        #expect(streams.count == 3 && streams[0] == "/dev/null" && streams[1].hasPrefix("pipe:"), "\(streams)")
    }

    @Test func environmentAndFolderAreThoseGiven() throws {
        let (text, _) = try output("/bin/sh", ["-c", "echo $WORD; pwd; env"], ["WORD": "a b"], folder: "/usr")
        #expect(text.hasPrefix("a b\n/usr\n") && !text.contains("HOME="))
    }

    /// Many at once from many threads: every end is seen, and is its own child's.
    @Test func manyEndAtOnce() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 as Range<Int32> {
                group.addTask {
                    let end = try shell("exit \(number)").wait(seconds: 120)
                    #expect(end == .exited(number))
                }
            }
            try await group.waitForAll()
        }
    }
}

private func shell(_ command: String) throws -> ChildProcess { try ChildProcess("/bin/sh", ["-c", command]) }

private func output(
    _ path: String, _ arguments: [String], _ environment: [String: String]? = nil, folder: String? = nil
) throws -> (text: String, end: ChildProcess.End) {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let child = try ChildProcess(
        path, arguments, environment: environment, folder: folder, input: .null, output: .descriptor(ends[1]),
        errors: .null)
    close(ends[1])
    defer { close(ends[0]) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while case let count = read(ends[0], &buffer, buffer.count), count > 0 { text += buffer[..<count] }
    return (String(decoding: text, as: UTF8.self), child.wait())
}
