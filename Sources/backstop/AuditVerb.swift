import ArgumentParser
import Dispatch
import Domain
import EventLog
import Events
import Foundation
import Records
import Services

struct AuditVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Compute every decision again from the log, and compare with what was recorded.",
        discussion: """
            The log is read through the same folds and rules that made its decisions: the router's, execution's, the
            watchdog's. What comes out differently is a finding, with its sequence. So is what breaks a promise: two ends of
            one intent, a trade beyond its order, a heartbeat's gap without a trigger, ledgers that differ in silence. What
            cannot be computed again is listed with the reason. It changes nothing, and may run beside everything else;
            `verify` checks the bytes.

            Examples:
              backstop audit
              backstop audit --since 24h --html night.html     a page with a timeline, to look at and to send
              backstop audit --json | jq .finding

            Exit status: 0 passed, 1 findings, 2 could not run.
            """)

    @Option(help: "Judge what was recorded at this time or later; what is before is folded all the same.")
    var since: String?
    @Option(help: ArgumentHelp("Write the report as one page that needs nothing else.", valueName: "file"))
    var html: String?
    @Flag(help: "List every decision that cannot be computed again, not only how many.")
    var verbose = false
    @Flag(name: .customLong("in-process"), help: .hidden)
    var inProcess = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        if let html { try AuditVerb.checkPlace(html) }
        let since = try since.map { try CommandTime.read($0, option: "--since", now: LogClock.system.now()) }
        guard inProcess else {
            let arguments = Array(CommandLine.arguments.dropFirst()) + ["--in-process"]
            throw ExitCode(try OwnChild.run(arguments, reading: "the log").status)
        }
        let began = DispatchTime.now().uptimeNanoseconds
        let report: AuditReport
        do {
            report = try common.withLog(.reading) { log in
                do { return try read(log, since) } catch let error as LogError { throw error } catch let error
                    as NegativeFinding
                {
                    throw error
                } catch {
                    // The log was opened; whatever layer cannot read on, it is damage.
                    throw AuditVerb.damaged("\(error)")
                }
            }
        } catch let error as RecordError {
            throw AuditVerb.damaged("\(error)")
        } catch let error as MessageError {
            throw AuditVerb.damaged("a record cannot be read: \(error)")
        } catch let error as LogError {
            guard case .damaged(let what) = error else { throw error }
            throw AuditVerb.damaged(what)
        }
        Output.endProgress()
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
        if let html { try write(AuditPage(report).text, to: html) }
        if common.json { report.printJSON() } else { report.print(verbose: verbose, seconds: seconds) }
        if report.audit.book.findingCount > 0 { throw ExitCode(1) }
    }

    /// Before a long log is read for nothing.
    private static func checkPlace(_ path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard !(isThere && isFolder.boolValue), FileManager.default.isWritableFile(atPath: folder) else {
            throw CannotRun("--html \(path): cannot be written: name a file in a folder that can be")
        }
    }

    private func read(_ log: EventLog, _ since: Timestamp?) throws -> AuditReport {
        let head = try log.head()
        var timeline = try AuditTimeline(of: log)
        let total = grouped(head.sequence.rawValue)
        let audit = try AuditReading(log).run(AuditSabotage.rules(), since: since) {
            timeline.add($0)
        } progress: {
            Output.progress("audited \(grouped($0.rawValue)) of \(total)")
        }
        let times = try log.snapshot { snapshot in
            try audit.book.findings.prefix(500).compactMap { finding in
                try snapshot.record(finding.sequence).map { (sequence: finding.sequence, at: $0.header.recordedAt) }
            }
        }
        return AuditReport(
            audit: audit, head: head, logID: log.id, timeline: timeline, findingTimes: times, since: since)
    }

    private static func damaged(_ what: String) -> NegativeFinding {
        Output.endProgress()
        return NegativeFinding(text: "damaged: \(what); backstop verify says where")
    }

    private func write(_ text: String, to path: String) throws {
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
            throw CannotRun("--html \(path): cannot be written: \(error.localizedDescription)")
        }
    }
}

/// In test builds a router's rule that was changed, or that is not deterministic, so that a test can see that an audit
/// notices. In release there are the rules and nothing else.
enum AuditSabotage {
    static func rules() -> AuditRules {
        var rules = AuditRules()
        #if FAILPOINTS
            switch ProcessInfo.processInfo.environment["BACKSTOP_AUDIT_RULES"] {
            case "changed":
                rules.route = { decision, sequence, policy in
                    decision.action == .sell
                        ? .refused(.lowConfidence, detail: "a changed rule")
                        : Routing.route(decision: decision, sequence: sequence, policy: policy)
                }
            case "random":
                rules.route = { decision, sequence, policy in
                    Bool.random()
                        ? .refused(.lowConfidence, detail: "a rule that draws lots")
                        : Routing.route(decision: decision, sequence: sequence, policy: policy)
                }
            default: break
            }
        #endif
        return rules
    }
}
