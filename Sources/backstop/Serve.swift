import ArgumentParser
import Dispatch
import EventLog
import Events
import ExchangeClient
import Foundation
import Logging
import Processes
import Records
import RedisBridge
import RespServer
import Services

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run roles until SIGTERM or SIGINT; what was begun is finished first.",
        discussion: """
            Roles of this version:
              router     decisions → intents or refusals, each exactly once
              execution  intents → orders on the exchange, each to exactly one terminal state
              recovery   finishes what dead execution processes left, and begins nothing new
              exit       panic triggers → everything cancelled and closed, in a process of its own that never opens
                         the log (its child, the recorder, does)
              watchdog   fires the panic trigger when a heart is dead; alone in its process
              bridge     imports streams from a Redis and exports others to it, each in one direction; keeps the
                         halt hash and the dedup keys there. bridge.import and bridge.export say which
            With --resp the log answers redis-cli and Redis' client libraries, alone or beside router, execution and
            recovery; --exchange is then asked, too, before a halt is ended by DEL or HSET. --set resp.users=FILE names
            its users: a line each, NAME SHA256-OF-THE-PASSWORD ROLE…; without them only this machine may connect.
            Several processes may serve one log. Killed at any moment, a role goes on at its offset, with what
            was pending, after the next start: execution asks the exchange what became of it, and never sends again.

            The exchange's key: BACKSTOP_EXCHANGE_KEY and BACKSTOP_EXCHANGE_SECRET, or BACKSTOP_EXCHANGE_KEY_FILE, a
            file of mode 0600. Production needs --live and BACKSTOP_LIVE=1.

            Examples:
              backstop serve --init
              backstop serve --roles router --set router.confidence_min=0.5
              backstop serve --roles router,execution --exchange http://127.0.0.1:8080
              backstop serve --roles exit --exchange http://127.0.0.1:8080
              backstop serve --roles watchdog
              backstop serve --resp 127.0.0.1:6380
              backstop serve --roles router,bridge --redis redis://127.0.0.1:6379

            Exit status: 0 after a drained stop, 1 when a role cannot go on (the reason is logged), 2 if it
            could not start.
            """)

    @Option(help: ArgumentHelp("The roles to run; router, where --resp is not given either.", valueName: "role,…"))
    var roles: String?
    @Option(
        help: ArgumentHelp(
            "Speak Redis' protocol there; a loopback address, where no users are configured.", valueName: "host:port"))
    var resp: String?
    @Option(help: ArgumentHelp("The exchange's address, for execution, recovery and exit.", valueName: "url"))
    var exchange: String?
    @Option(
        help: ArgumentHelp(
            "The Redis that bridge joins to the log: redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], or BACKSTOP_REDIS.",
            valueName: "url"))
    var redis: String?
    @Flag(help: "Allow the production exchange; BACKSTOP_LIVE=1 is needed, too.")
    var live = false
    @Flag(name: .customLong("init"), help: "Make the log where there is none.")
    var makesLog = false
    @Flag(help: "Log what is done for debugging, too.")
    var verbose = false
    @OptionGroup var common: CommonOptions

    private static let known = ["router", "execution", "recovery", "watchdog", "exit", "bridge"]
    private static let trading = ["execution", "recovery", "exit"]
    /// What kills or stops another role must not kill or stop these: they share their process with none.
    private static let alone = ["watchdog", "exit"]

    func validate() throws {
        for role in wanted where !Serve.known.contains(role) {
            throw ValidationError(
                "no role \"\(role)\" in this version; there are: \(Serve.known.joined(separator: ", "))")
        }
        if wanted.count > 1, let role = wanted.first(where: Serve.alone.contains) {
            throw ValidationError("role \(role) needs a process of its own: backstop serve --roles \(role)")
        }
        if wanted.contains("bridge") {
            guard let redisURL else {
                throw ValidationError("role bridge needs --redis URL, as redis://127.0.0.1:6379, or BACKSTOP_REDIS")
            }
            do { _ = try RedisAddress(redisURL) } catch { throw ValidationError("--redis: \(error)") }
        } else if redis != nil {
            throw ValidationError("--redis is for role bridge: --roles bridge")
        }
        if wanted.isEmpty, resp == nil { throw ValidationError("--roles needs at least one role") }
        if let resp {
            do { _ = try RespAddress(resp, hasUsers: true) } catch { throw ValidationError("--resp \(error)") }
            if let role = wanted.first(where: Serve.alone.contains) {
                throw ValidationError("role \(role) needs a process of its own: start --resp in another one")
            }
        }
        if exchange == nil, let role = wanted.first(where: Serve.trading.contains) {
            throw ValidationError("role \(role) needs --exchange URL, as http://127.0.0.1:8080 of exchange-simulator")
        }
    }

    var wanted: [String] {
        guard let roles else { return resp == nil ? ["router"] : [] }
        return roles.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    func run() throws {
        if makesLog { try common.makeLogIfMissing() }
        if wanted == ["exit"], let exchange {
            return try ServeExit(common: common, exchange: exchange, isLive: live).run()
        }
        let logger = Serve.logger(verbose)
        let settings = try common.loadSettings()
        let notifier = ServiceNotifier(environment: ProcessInfo.processInfo.environment)
        if wanted.contains("watchdog") { return try serveWatchdog(settings, notifier, logger) }
        let respOptions = try respOptions(settings)
        try common.withLog(.writing) { log in
            let views = openViews(log) { logger.notice("\($0)") }
            defer { views?.close() }
            let config = try Serve.recordConfiguration(settings, log)
            let head = try log.head()
            logger.info("backstop \(Backstop.version) serves \(common.path), log \(log.id), head \(head)")
            let runner = try RoleRunner(logger: logger, notifier: notifier)
            defer { runner.stopAll() }
            let trading = try startTrading(runner, log, views, settings, config, logger)
            defer { trading?.close() }
            defer { runner.stopAll() }  // before what they trade with is closed
            if wanted.contains("router") {
                let loop = ServiceLoop(
                    log: log, role: Router(policy: try settings.routing(configSequence: config.rawValue)),
                    host: ProcessInfo.processInfo.hostName,
                    pid: UInt32(ProcessInfo.processInfo.processIdentifier), batch: 64, logger: logger,
                    pulse: runner.pulse("router"))
                runner.start("router", run: { try loop.run() }, stop: { loop.stop() })
            }
            // What is derived stops nothing: without views every command folds the log itself.
            if let views {
                let keeper = ViewKeeper(
                    log: log, views: views, recordsPerSave: try settings.checkpointRecords,
                    recordsPerDigest: try settings.digestRecords, logger: logger)
                runner.start("views", run: { keeper.run() }, stop: { keeper.stop() })
            }
            try startBridge(runner, log, views, settings, logger)
            let face = try startResp(respOptions, runner, log, views, settings, logger)
            defer { face?.close() }
            notifier.ready("serving \((wanted + (resp == nil ? [] : ["resp"])).joined(separator: ", "))")
            try runner.waitForEnd()
        }
    }

    /// Nil where no role needs the exchange.
    private func startTrading(
        _ runner: RoleRunner, _ log: EventLog, _ views: Views?, _ settings: Settings, _ config: SequenceNumber,
        _ logger: Logger
    ) throws -> Trading? {
        let roles = wanted.filter(Serve.trading.contains)
        guard let exchange, !roles.isEmpty else { return nil }
        let environment = ProcessInfo.processInfo.environment
        let host = try ExchangeHost(exchange, isLive: live, environment: environment)
        try settings.checkHorizon(isLoopback: host.isLoopback)
        let client = ExchangeClient(
            host: host, credentials: try Credentials(environment: environment), settings: ClientSettings())
        logger.info("exchange \(host)\(host.isProduction ? " PRODUCTION" : "")")
        let board = RecoveryBoard(awaiting: roles + ["feeds"], logger: logger)
        for role in roles {
            var options = ExecutionOptions()
            options.inFlightMax = try settings.executionInFlightMax
            options.takesNew = role == "execution"
            let service = ExecutionService(
                log: log, exchange: client, policy: try settings.execution(configSequence: config.rawValue),
                options: options, name: role, host: ProcessInfo.processInfo.hostName,
                pid: UInt32(ProcessInfo.processInfo.processIdentifier), board: board, logger: logger,
                pulse: runner.pulse(role))
            runner.start(role, run: { try service.run() }, stop: { service.stop() })
        }
        let options = try settings.feeds
        let feeds = FeedService(
            log: log, views: views, exchange: client, policy: try settings.execution(configSequence: config.rawValue),
            options: options, name: "feeds", board: board, logger: logger)
        runner.start("feeds", run: { try feeds.run() }, stop: { feeds.stop() })
        let stream = options.hasStream ? UserStream(client: client, settings: StreamSettings()) { feeds.take($0) } : nil
        return Trading(client: client, stream: stream, board: board)
    }

    /// What is closed when the roles have ended: the stream before its client.
    private struct Trading {
        let client: ExchangeClient
        let stream: UserStream?
        let board: RecoveryBoard

        func close() {
            board.end()
            stream?.close()
            client.close()
        }
    }

    static func recordConfiguration(_ settings: Settings, _ log: EventLog) throws -> SequenceNumber {
        let draft = try Drafts.configApplied(settings.applied, producer: "backstop", at: log.clock.now())
        switch try log.append([draft], draft.writeClass)[0] {
        case .appended(let place): return place.sequence
        case .refused(let refusal): throw CannotRun("the configuration was not recorded: \(refusal)")
        case .duplicate, .conflict, .unknown: throw CannotRun("the configuration was not recorded")
        }
    }

    static func logger(_ verbose: Bool) -> Logger {
        var logger = Logger(label: "backstop", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = verbose ? .debug : .info
        return logger
    }
}
