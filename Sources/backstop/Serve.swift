import ArgumentParser
import Dispatch
import EventLog
import Events
import Foundation
import Logging
import Records
import Services

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run roles until SIGTERM or SIGINT; what was begun is finished first.",
        discussion: """
            Roles of this version: router (decisions → intents or refusals, each exactly once).
            Several processes may serve one log. Killed at any moment, a role goes on at its offset, with what
            was pending, after the next start.

            Examples:
              backstop serve --init
              backstop serve --roles router --set router.confidence_min=0.5

            Exit status: 0 after a drained stop, 1 when a role cannot go on (the reason is logged), 2 if it
            could not start.
            """)

    @Option(help: ArgumentHelp("The roles to run.", valueName: "role,…"))
    var roles = "router"
    @Flag(name: .customLong("init"), help: "Make the log where there is none.")
    var makesLog = false
    @Flag(help: "Log what is done for debugging, too.")
    var verbose = false
    @OptionGroup var common: CommonOptions

    private static let known = ["router"]

    func validate() throws {
        for role in wanted where !Serve.known.contains(role) {
            throw ValidationError(
                "no role \"\(role)\" in this version; there are: \(Serve.known.joined(separator: ", "))")
        }
        if wanted.isEmpty { throw ValidationError("--roles needs at least one role") }
    }

    private var wanted: [String] {
        roles.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    func run() throws {
        if makesLog { try common.makeLogIfMissing() }
        let logger = Serve.logger(verbose)
        let settings = try common.loadSettings()
        try common.withLog(.writing) { log in
            let views = openViews(log)
            defer { views?.close() }
            let config = try Serve.recordConfiguration(settings, log)
            let policy = try settings.routing(configSequence: config.rawValue)
            let loop = ServiceLoop(
                log: log, role: Router(policy: policy), host: ProcessInfo.processInfo.hostName,
                pid: UInt32(ProcessInfo.processInfo.processIdentifier), batch: 64, logger: logger)
            let head = try log.head()
            logger.info("backstop \(Backstop.version) serves \(common.path), log \(log.id), head \(head)")
            let runner = try RoleRunner(logger: logger)
            runner.start("router", run: { try loop.run() }, stop: { loop.stop() })
            // What is derived stops nothing: without views every command folds the log itself.
            if let views {
                let keeper = ViewKeeper(
                    log: log, views: views, recordsPerSave: try settings.checkpointRecords, logger: logger)
                runner.start("views", run: { keeper.run() }, stop: { keeper.stop() })
            }
            try runner.waitForEnd()
        }
    }

    private static func recordConfiguration(_ settings: Settings, _ log: EventLog) throws -> SequenceNumber {
        let draft = try Drafts.configApplied(settings.applied, producer: "backstop", at: log.clock.now())
        switch try log.append([draft], draft.writeClass)[0] {
        case .appended(let place): return place.sequence
        case .refused(let refusal): throw CannotRun("the configuration was not recorded: \(refusal)")
        case .duplicate, .conflict, .unknown: throw CannotRun("the configuration was not recorded")
        }
    }

    private static func logger(_ verbose: Bool) -> Logger {
        var logger = Logger(label: "backstop", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = verbose ? .debug : .info
        return logger
    }
}
