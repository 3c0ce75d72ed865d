// The command line. One file a verb; this one holds the root, and how errors become exit statuses:
// 0 done, 1 a negative finding, 2 could not run.

import ArgumentParser
import EventLog
import Events
import Glibc
import Records
import Services

@main
struct Backstop: ParsableCommand {
    static let version = "0.1.0"
    /// In bundles.
    static let madeBy = "backstop \(version)"

    static let configuration = CommandConfiguration(
        commandName: "backstop",
        abstract: "The flight recorder and dead man's switch of a trading bot.",
        discussion: """
            Every decision, intent, order, fill, heartbeat and panic event is appended once to a log; positions
            and halt state are folds of that log.

            Examples:
              backstop init                                             make a log in ./backstop-log
              backstop append quantum:stream:ai.decision.made symbol=BTCUSDT side=buy confidence=0.9 --key d1
              backstop serve --roles router                             turn decisions into intents, once each
              backstop status                                           trading state, positions, groups, disk
              backstop query --chain 12                                 what led to record 12, and what followed

            Exit status: 0 done, 1 a negative finding (refused, conflict, damaged, different), 2 could not run.
            Settings: options beat BACKSTOP_… variables, which beat backstop.yaml; `backstop config` shows all.
            """,
        version: "backstop \(version)",
        subcommands: [
            Init.self, Serve.self, Append.self, Query.self, Status.self, Positions.self, Groups.self, Rebuild.self,
            Verify.self, AuditVerb.self, Config.self, Backup.self, Restore.self, CopyStage.self, BundleVerb.self,
            Resume.self, Panic.self, ExitBrain.self, RecorderVerb.self,
        ])

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
            Output.flush()
        } catch {
            Output.flush()
            end(error)
        }
    }

    private static func end(_ error: any Error) -> Never {
        if let code = (error as? ExitCode)?.rawValue { Glibc.exit(code) }
        if let finding = error as? NegativeFinding {
            Output.error(finding.text)
            Glibc.exit(1)
        }
        let isUsage = exitCode(for: error) == .validationFailure
        if isUsage || exitCode(for: error) == .success {
            let text = fullMessage(for: error)
            if isUsage { Output.toErrors(text + "\n") } else { Output.line(text) }
            Output.flush()
            Glibc.exit(isUsage ? 2 : 0)
        }
        Output.error("\(error)")
        Glibc.exit(2)
    }
}

/// The command ran, and its answer is no: exit status 1.
struct NegativeFinding: Error {
    let text: String
}

/// The command cannot run as asked: exit status 2.
struct CannotRun: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
