// The exit worker's child, which has the log open in its place: started by `serve --roles exit`, on its standard input.

import ArgumentParser
import Domain
import EventLog
import Events
import Foundation
import Glibc
import Logging
import Processes
import Records
import Services

struct RecorderVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recorder", abstract: "The exit worker's child that has the log open; not to be started by hand.",
        shouldDisplay: false)

    @OptionGroup var common: CommonOptions

    func run() throws {
        let line = RecorderLine()
        OSThread.start("recorder-alive") { line.beat() }
        let settings = try common.loadSettings()
        let logger = Serve.logger(false)
        try common.withLog(.writing) { log in
            let views = openViews(log)
            defer { views?.close() }
            let session = SessionInfo.current(version: Backstop.version)
            let recorder = Recorder(
                log: log, views: views, policy: try settings.execution(configSequence: 0),
                name: "exit-\(session.host)-\(getppid())", logger: logger
            ) { line.say($0) }
            // A killed worker's recorder ends with it; what it was writing is written or not.
            OSThread.start("recorder-socket") {
                while let message = line.receive() { recorder.take(message) }
                recorder.stop()
            }
            try StopSignals.listen { _ in recorder.stop() }
            try recorder.run()
        }
    }
}

/// The socket to the worker: whole messages both ways.
private final class RecorderLine: Sendable {
    private let descriptor: Int32 = 0
    private let lock = NSLock()

    func say(_ text: String) {
        let bytes = Array(text.utf8)
        lock.withLock {
            _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
    }

    /// Nil: the worker is gone.
    func receive() -> String? {
        var buffer = [UInt8](repeating: 0, count: Limits.recorderMessageBytesMax)
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 { return String(decoding: buffer[..<count], as: UTF8.self) }
            if count == 0 || errno != EINTR { return nil }
        }
    }

    /// For ever: as long as this process runs, whatever the log does.
    func beat() {
        while true {
            say(RecorderNotice.alive.text)
            usleep(UInt32(Limits.recorderAliveMilliseconds) * 1_000)
        }
    }
}
