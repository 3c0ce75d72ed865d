import ArgumentParser
import Domain
import EventLog
import Events
import ExchangeClient
import Foundation
import Records
import Services

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let risk be opened again: after a halt, after REDUCING, or in a symbol whose order is unresolved.",
        discussion: """
            A record with the operator's name and reason; it names the panic, halt or cause that it ends. Look first:
            backstop status says what stands, ops/runbooks what to do.

            A halt ends only where the exchange, asked now, shows no position and no resting order, no trigger waits for
            its exit, and the last exit was completed resume.cooldown_s (300) seconds ago.

            Examples:
              backstop resume --operator anna --reason "heart restarted" --exchange https://fapi.binance.com --live
              backstop resume --operator anna --reason "hedge kept" --accept-open-risk --override-cooldown
              backstop resume --reducing --operator anna --reason "leg closed by hand, order 1234"
              backstop resume --symbol BTCUSDT --operator anna --reason "support says order 99 never existed"

            Exit status: 0 recorded, 1 refused (what is missing is named) or nothing to end, 2 could not run.
            """)

    @Flag(help: "End REDUCING, whatever raised it.")
    var reducing = false
    @Option(help: "Lower the guard of one symbol.")
    var symbol: String?
    @Option(help: "Who decides this.")
    var `operator`: String
    @Option(help: "Why it is safe.")
    var reason: String
    @Option(help: ArgumentHelp("The exchange's address, for the look whether all is flat.", valueName: "url"))
    var exchange: String?
    @Flag(help: "Allow the production exchange; BACKSTOP_LIVE=1 is needed, too.")
    var live = false
    @Flag(help: "End a halt although positions are open, or nobody has looked.")
    var acceptOpenRisk = false
    @Flag(help: "End a halt although the exit was completed a moment ago.")
    var overrideCooldown = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !reducing || symbol == nil else {
            throw ValidationError("one of --reducing and --symbol S, or neither for a halt")
        }
        guard !reducing && symbol == nil || !acceptOpenRisk && !overrideCooldown && exchange == nil else {
            throw ValidationError("--exchange, --accept-open-risk and --override-cooldown are for a halt")
        }
        for (name, text) in [("--operator", `operator`), ("--reason", reason)] where text.isEmpty {
            throw ValidationError("\(name) must not be empty")
        }
    }

    func run() throws {
        try common.withLog(.writing) { log in
            let state = try StateReader.current(log, views: nil)
            if reducing || symbol != nil {
                try lowerGuard(log, state)
            } else {
                try endHalt(log, state)
            }
        }
    }

    // MARK: A halt

    private func endHalt(_ log: EventLog, _ state: State) throws {
        let settings = try common.loadSettings()
        guard state.trading.halt != nil else { throw NegativeFinding(text: "trading is not halted") }
        var request = ResumeRequest(operator: `operator`, reason: reason)
        request.acceptsOpenRisk = acceptOpenRisk
        request.overridesCooldown = overrideCooldown
        request.look = try look()
        switch try Resumption.resume(log, request, state, try settings.resume, producer: "backstop") {
        case .notHalted: throw NegativeFinding(text: "trading is not halted")
        case .refused(let missing): throw NegativeFinding(text: "not resumed: " + missing.joined(separator: "\n  "))
        case .resumed(let sequence, let ended): recorded(sequence, ends: ended.rawValue)
        }
        if state.heartbeats.all.isEmpty { return }
        if !common.json {
            Output.line("a heart must beat within 30 s, within 3 s while positions are open, or the watchdog fires")
        }
    }

    /// Nil: there is no exchange to look at, or what it shows is accepted unseen.
    private func look() throws -> FlatLook? {
        guard let exchange, !acceptOpenRisk else { return nil }
        let environment = ProcessInfo.processInfo.environment
        let client = ExchangeClient(
            host: try ExchangeHost(exchange, isLive: live, environment: environment),
            credentials: try Credentials(environment: environment), settings: ClientSettings())
        defer { client.close() }
        return try Resumption.look(client)
    }

    // MARK: A guard

    private func lowerGuard(_ log: EventLog, _ state: State) throws {
        var resume = EventResume()
        resume.operator = `operator`
        resume.reason = reason
        if let symbol {
            guard let held = state.trading.guardedSymbols.last(where: { $0.symbol == symbol }) else {
                throw NegativeFinding(text: "\(symbol) has no unresolved order")
            }
            (resume.scope, resume.symbol, resume.endsSequence) = (.symbol, symbol, held.request.rawValue)
        } else {
            guard let cause = state.trading.reducingCauses.last else {
                throw NegativeFinding(text: "trading is not REDUCING")
            }
            (resume.scope, resume.endsSequence) = (.reducing, cause.sequence.rawValue)
        }
        let draft = try Drafts.resume(
            resume, cause: SequenceNumber(resume.endsSequence), basis: state.asOf, producer: "backstop",
            at: log.clock.now())
        switch try log.append([draft], .emergency)[0] {
        case .appended(let place): recorded(place.sequence, ends: resume.endsSequence)
        case .refused(let refusal): throw CannotRun("not recorded: \(refusal)")
        case .duplicate, .conflict, .unknown: throw CannotRun("not recorded; look with backstop query --kind resume")
        }
    }

    private func recorded(_ sequence: SequenceNumber, ends: UInt64) {
        if common.json {
            Output.json(
                .object([JSONMember("seq", number(sequence.rawValue)), JSONMember("ends", number(ends))]))
        } else {
            Output.line("recorded \(sequence), ends record \(ends)")
        }
    }
}
