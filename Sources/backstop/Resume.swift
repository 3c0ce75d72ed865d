import ArgumentParser
import Domain
import EventLog
import Events
import Foundation
import Records
import Services

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let risk be opened again after REDUCING, or in a symbol whose order is unresolved.",
        discussion: """
            A record with the operator's name and reason; it names the record that it ends. Look first: backstop status
            says what stands, ops/runbooks/reducing.md and ops/runbooks/unresolved-order.md what to do.

            Examples:
              backstop resume --reducing --operator anna --reason "leg closed by hand, order 1234"
              backstop resume --symbol BTCUSDT --operator anna --reason "support says order 99 never existed"

            A halt cannot be ended yet. Exit status: 0 recorded, 1 nothing to end, 2 could not run.
            """)

    @Flag(help: "End REDUCING, whatever raised it.")
    var reducing = false
    @Option(help: "Lower the guard of one symbol.")
    var symbol: String?
    @Option(help: "Who decides this.")
    var `operator`: String
    @Option(help: "Why it is safe.")
    var reason: String
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard reducing != (symbol != nil) else { throw ValidationError("one of --reducing and --symbol S is needed") }
    }

    func run() throws {
        try common.withLog(.writing) { log in
            let state = try StateReader.current(log, views: nil)
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
            try append(resume, log, basis: state.asOf)
        }
    }

    private func append(_ resume: EventResume, _ log: EventLog, basis: SequenceNumber) throws {
        let draft = try Drafts.resume(
            resume, cause: SequenceNumber(resume.endsSequence), basis: basis, producer: "backstop", at: log.clock.now())
        switch try log.append([draft], .emergency)[0] {
        case .appended(let place):
            if common.json {
                Output.json(.object([JSONMember("seq", number(place.sequence.rawValue))]))
            } else {
                Output.line("recorded \(place.sequence), ends record \(resume.endsSequence)")
            }
        case .refused(let refusal): throw CannotRun("not recorded: \(refusal)")
        case .duplicate, .conflict, .unknown: throw CannotRun("not recorded; look with backstop query --kind resume")
        }
    }
}
