// `serve --roles exit`: wires the exit worker. This process never opens the log; its child, the recorder, does.

import Domain
import EmergencyExit
import EventLog
import Events
import Exchange
import ExchangeClient
import Foundation
import Glibc
import Processes
import Records
import Services

struct ServeExit {
    let common: CommonOptions
    let exchange: String
    let isLive: Bool

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let host = try ExchangeHost(exchange, isLive: isLive, environment: environment)
        var client = ClientSettings()
        client.totalMilliseconds = Limits.exitTotalMillisecondsMax
        let port = ExchangeClient(host: host, credentials: try Credentials(environment: environment), settings: client)
        defer { port.close() }
        let speaker = Speaker("exit")
        let notifier = ServiceNotifier(environment: environment)
        let worker = ExitWorker(
            exchange: port, journal: SideJournal(folders: journalFolders(environment), speaker: speaker),
            speaker: speaker, clock: ServeExit.clock,
            isWell: { status in
                notifier.status(status)
                notifier.alive()
            })
        speaker.say("backstop \(Backstop.version) serves exit, log \(common.path), exchange \(host)")
        let path = try common.exitSocketPath()
        let listener = try LocalSocketListener(path: path) { ServeExit.answer($0, worker) }
        defer { listener.close() }
        let arguments = recorderArguments
        let link = RecorderLink(
            start: { try ChildProcess("/proc/self/exe", arguments, input: .descriptor($0)) },
            hear: { worker.hear($0) })
        defer { link.stop() }
        try StopSignals.listen { number in
            speaker.say("stopping: \(number == SIGTERM ? "SIGTERM" : "SIGINT")")
            notifier.stopping()
            worker.stop()
        }
        notifier.ready("listening")
        worker.run { link.send($0) }
    }

    /// The log's folder, then the run directory.
    private func journalFolders(_ environment: [String: String]) -> [String] {
        let runtime = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first.map(String.init)
        // Others' runs must never be taken for ours: outside the log's folder the journal bears the log's own path.
        let path = URL(fileURLWithPath: common.path).resolvingSymlinksInPath().standardizedFileURL.path
        let name = Hex.encode(Array(Digest.sha256(Array(path.utf8)).bytes.prefix(8)))
        return [common.path + "/exit-journal"]
            + [runtime ?? ServeExit.runFolder].compactMap { $0.map { $0 + "/exit-journal-\(name)" } }
    }

    /// Below /tmp, where it is ours alone: somebody else's folder is none.
    private static var runFolder: String? {
        let folder = "/tmp/backstop-\(getuid())"
        mkdir(folder, 0o700)
        var found = stat()
        guard lstat(folder, &found) == 0, found.st_mode & S_IFMT == S_IFDIR, found.st_uid == getuid(),
            found.st_mode & 0o077 == 0
        else { return nil }
        return folder
    }

    private var recorderArguments: [String] {
        var arguments = ["recorder", "--log", common.path]
        if let settings = common.settings { arguments += ["--settings", settings] }
        if let profile = common.profile { arguments += ["--profile", profile] }
        for pair in common.set { arguments += ["--set", pair] }
        return arguments
    }

    private static func answer(_ message: [UInt8], _ worker: ExitWorker) -> [UInt8] {
        do throws(ExitSocket.Unreadable) {
            switch worker.offer(try ExitSocket.trigger(reading: message)) {
            case .taken: return ExitSocket.bytes(.taken)
            case .refused(let reason): return ExitSocket.bytes(.refused(reason))
            case .unanswered: return []
            }
        } catch {
            return ExitSocket.bytes(.refused(error.description))
        }
    }

    private static var clock: ExitClock {
        let system = LogClock.system
        return ExitClock(
            wallNanoseconds: { system.now().nanoseconds }, bootNanoseconds: { system.boot().nanoseconds })
    }
}
