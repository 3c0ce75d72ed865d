// An audit over a log: two passes, one over headers to learn at which sequences the state will be spoken of, one over
// everything. It reads in bounded transactions, changes nothing, and may run beside everything else.

package import Domain
package import EventLog
internal import Events
package import Records

package struct AuditReading {
    private let log: EventLog
    private let past: LogPast

    package init(_ log: EventLog) {
        self.log = log
        past = LogPast(log)
    }

    /// - Parameters:
    ///   - since: records before it are folded and not judged. Nil: all are.
    ///   - seen: called with each record, for whoever draws a picture of it.
    ///   - progress: the sequence reached, now and then.
    package func run(
        _ rules: AuditRules, since: Timestamp?, seen: (borrowing RecordView) -> Void,
        progress: (SequenceNumber) -> Void
    ) throws -> Audit {
        let head = try log.head().sequence
        var plan = AuditPlan()
        var first: SequenceNumber?
        try log.walk(from: SequenceNumber(1), through: head) { record in
            plan.look(record)
            try past.look(record)
            if first == nil, since.map({ record.recordedAt >= $0 }) ?? true { first = record.sequence }
            return true
        }
        var audit = Audit(rules, plan, since: first ?? head.next)
        try log.walk(from: SequenceNumber(1), through: head) { record in
            seen(record)
            try audit.take(record, past)
            if record.sequence.rawValue.isMultiple(of: UInt64(Limits.scanRecordsPerTransactionMax)) {
                progress(record.sequence)
            }
            return true
        }
        audit.finish()
        return audit
    }
}

/// The log as an audit asks it; policies are read once.
private final class LogPast: AuditPast {
    private let log: EventLog
    private var settings: [SequenceNumber: Settings?] = [:]
    private var restored: [(since: SequenceNumber, id: LogID, isOpen: Bool)] = []

    init(_ log: EventLog) { self.log = log }

    func record(_ sequence: SequenceNumber) throws -> Record? { try log.snapshot { try $0.record(sequence) } }

    func first(_ key: String, before sequence: SequenceNumber) throws -> Record? {
        try log.snapshot { snapshot in
            guard let first = try snapshot.first(.own(key), stream: nil), first < sequence else { return nil }
            return try snapshot.record(first)
        }
    }

    func routing(_ config: SequenceNumber) throws -> RoutingPolicy? {
        try policy(config) { settings throws(SettingError) in try settings.routing(configSequence: config.rawValue) }
    }

    func execution(_ config: SequenceNumber) throws -> ExecutionPolicy? {
        try policy(config) { settings throws(SettingError) in try settings.execution(configSequence: config.rawValue) }
    }

    func watch(_ config: SequenceNumber) throws -> WatchPolicy? {
        try policy(config) { settings throws(SettingError) in try settings.watch }
    }

    func logID(at sequence: SequenceNumber) -> LogID {
        restored.last { $0.since <= sequence }?.id ?? log.identity.origin
    }

    /// Told of each record once, in order, before the audit is.
    func look(_ record: borrowing RecordView) throws {
        guard record.kind == EventKind.logRestored.kind,
            case .logRestored(let message) = try EventRecord.decode(try record.record()),
            let id = LogID([UInt8](message.logID))
        else { return }
        restored.append((record.sequence, id, message.verdict != .current))
    }

    func isBeforeRestore(_ sequence: SequenceNumber, at now: SequenceNumber) -> Bool {
        restored.contains { $0.isOpen && $0.since < now && sequence < $0.since }
    }

    private func policy<Policy>(
        _ config: SequenceNumber, _ read: (Settings) throws(SettingError) -> Policy
    ) throws -> Policy? {
        guard let settings = try settings(config) else { return nil }
        do { return try read(settings) } catch { return nil }
    }

    private func settings(_ config: SequenceNumber) throws -> Settings? {
        if let known = settings[config] { return known }
        var found: Settings?
        if let record = try record(config), case .configApplied(let applied) = try EventRecord.decode(record) {
            // Settings that this version cannot read decide nothing that it could compute again.
            do { found = try Settings(applied: applied) } catch { found = nil }
        }
        settings[config] = found
        return found
    }
}

extension Settings {
    /// As a `config.applied` record holds them; what it does not name has its default.
    init(applied: EventConfigApplied) throws(SettingError) {
        var options: [String: String] = [:]
        for setting in applied.settings where SettingDefinition.all.contains(where: { $0.name == setting.name }) {
            options[setting.name] = setting.value
        }
        try self.init(file: nil, environment: [:], options: options)
    }
}
