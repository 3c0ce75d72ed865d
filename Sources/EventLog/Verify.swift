// Verification of bytes: the chain, gaps, and everything derived, recomputed from the records and compared.
// It reads in bounded transactions; what is derived is compared in the last one, at the same state as the
// last record. It changes nothing. A page that is damaged inside LMDB may end the process: callers run a
// suspect file in a child.

internal import LMDB
package import Records

package struct VerifyReport: Sendable {
    package struct Finding: Equatable, Sendable {
        /// The first bad sequence, where the finding has one.
        package let sequence: SequenceNumber?
        package let problem: String
    }
    package internal(set) var head: Head
    package internal(set) var findings: [Finding] = []
    package var isClean: Bool { findings.isEmpty }
}

extension EventLog {
    /// Checks every record and everything derived. `progress` gets the sequence reached, now and then.
    /// - Parameter known: a head kept elsewhere; shows a log that was cut off or rewritten.
    package func verify(known: Head?, progress: (SequenceNumber) -> Void) throws -> VerifyReport {
        var pass = VerifyPass(identity, known: known)
        do { try run(&pass, progress) } catch {
            // What cannot be read at all is damage, too, whatever layer says so.
            pass.findings.append(VerifyReport.Finding(sequence: nil, problem: "\(error)"))
            return VerifyReport(head: pass.chain.head, findings: pass.findings)
        }
        pass.finish()
        return VerifyReport(head: pass.chain.head, findings: pass.findings)
    }

    private func run(_ pass: inout VerifyPass, _ progress: (SequenceNumber) -> Void) throws {
        var isDone = false
        while !isDone {
            try snapshot { snapshot in
                let reachedEnd = try pass.checkSome(snapshot, rules)
                isDone = reachedEnd || !pass.findings.isEmpty
                if isDone, pass.findings.isEmpty { try pass.compareDerived(snapshot) }
            }
            progress(pass.chain.head.sequence)
        }
    }
}

/// The state of one verification.
private struct VerifyPass {
    var chain: ChainCheck
    var findings: [VerifyReport.Finding] = []
    private let known: Head?
    private let genesis: Digest
    private var identity: ExpectedIdentity
    private var knownWasSeen: Bool
    private var lastRecordedAt = Timestamp(nanoseconds: .min)
    private var streams: [StreamNumber: ExpectedStream] = [:]
    private var names: [StreamNumber: StreamName] = [:]
    private var guards = GuardState()
    private var conflicts = 0
    private var keys = KeySums()
    private var hidden: [StreamName: ExpectedHiding] = [:]

    init(_ identity: LogIdentity, known: Head?) {
        genesis = identity.genesis
        chain = ChainCheck(after: .none, hash: genesis)
        self.identity = ExpectedIdentity(identity)
        self.known = known
        knownWasSeen = known == nil || known?.sequence == SequenceNumber.none
    }

    /// Checks as many records as one read transaction may; true at the end of the log.
    mutating func checkSome(_ snapshot: borrowing LogSnapshot, _ rules: LogRules) throws -> Bool {
        var seen = 0
        var reachedEnd = true
        do {
            try snapshot.walk(from: chain.head.sequence.next) { record in
                seen += 1
                if try !check(record, snapshot, rules) { return false }
                reachedEnd = seen < Limits.scanRecordsPerTransactionMax
                return reachedEnd
            }
        } catch let damage as RecordDamage {
            return !fail(damage.sequence, "\(damage.cause)")
        }
        return reachedEnd
    }

    /// False where something is wrong; then nothing after it is looked at.
    mutating func check(
        _ record: borrowing RecordView, _ snapshot: borrowing LogSnapshot, _ rules: LogRules
    ) throws -> Bool {
        let expected = chain.head.sequence.next
        if let problem = chain.problem(record) { return fail(expected, problem) }
        if let known, known.sequence == expected {
            knownWasSeen = true
            if known.hash != record.hash { return fail(expected, "its hash is not the one of the head that was given") }
        }
        guard record.recordedAt >= lastRecordedAt else { return fail(expected, "it is stamped before its predecessor") }
        lastRecordedAt = record.recordedAt
        if let problem = try checkStream(record, snapshot, rules) { return fail(expected, problem) }
        if let key = try record.key { keys.add(key.hash(stream: names[record.stream]), record.sequence) }
        if let problem = checkFacts(record, rules) { return fail(expected, problem) }
        if record.kind == .conflict, let problem = try checkConflict(record, snapshot, rules) {
            return fail(expected, problem)
        }
        if record.kind == .logRestored,
            let problem = identity.add(try rules.restoration(record.body.array()), at: expected)
        {
            return fail(expected, problem)
        }
        identity.passed(chain.head)
        return true
    }

    private mutating func fail(_ sequence: SequenceNumber?, _ problem: String) -> Bool {
        findings.append(VerifyReport.Finding(sequence: sequence, problem: problem))
        return false
    }

    private mutating func checkStream(
        _ record: borrowing RecordView, _ snapshot: borrowing LogSnapshot, _ rules: LogRules
    ) throws -> String? {
        if record.kind == .streamCreated {
            let number = StreamNumber(UInt32(names.count) + 1)
            let state = try snapshot.stream(number)
            names[number] = state.name
            let body = rules.body(.streamCreated(number: number, name: state.name)).bytes
            return body == record.body.array() ? nil : "the stream's table row does not say what the record says"
        }
        guard record.stream != .none else { return nil }
        guard names[record.stream] != nil else { return "its stream was never created" }
        return streams[record.stream, default: ExpectedStream()].add(record.entryID, record.sequence)
    }

    /// The table has what was offered, under the key of the record that has it.
    private mutating func checkConflict(
        _ record: borrowing RecordView, _ snapshot: borrowing LogSnapshot, _ rules: LogRules
    ) throws -> String? {
        conflicts += 1
        guard let first = try snapshot.record(record.cause), let key = first.key else {
            return "the record that has its key has none"
        }
        let digest = ConflictDigest(try rules.offered(record.body.array()))
        let known = try snapshot.conflicts(key.hash(stream: names[first.header.stream]))
        return known.contains(digest) ? nil : "the table of conflicts does not have it"
    }

    private mutating func checkFacts(_ record: borrowing RecordView, _ rules: LogRules) -> String? {
        let facts: DraftFacts
        do { facts = try rules.facts(record.kind, record.body.array()) } catch {
            return "its body is not of its kind: \(error)"
        }
        let content = LogRules.contentDigest(
            stream: names[record.stream], kind: record.kind, identity: facts.identity)
        guard content == record.content else { return "its content digest is not that of its body" }
        if record.kind == .streamHidden {
            do {
                let (stream, hiding) = try rules.hiding(record.body.array())
                hidden[stream, default: ExpectedHiding()].add(hiding)
            } catch { return "it does not say what it hides: \(error)" }
        }
        if let refusal = guards.refusal(facts.guards) { return "it stands behind a guard: \(refusal)" }
        _ = guards.apply(facts.guards, at: record.sequence)
        return nil
    }

    // MARK: What is derived

    mutating func compareDerived(_ snapshot: borrowing LogSnapshot) throws {
        if let problem = try identity.problem ?? snapshot.metaProblem() { _ = fail(nil, problem) }
        let stored = try snapshot.guards()
        if stored != guards { _ = fail(nil, "the table of guards is not what the records give") }
        if try snapshot.recordCount() != chain.head.sequence.rawValue {
            _ = fail(nil, "the table of records does not have \(chain.head.sequence) rows")
        }
        if try snapshot.conflictCount() != conflicts {
            _ = fail(nil, "the table of conflicts does not have \(conflicts)")
        }
        if let problem = try snapshot.keyProblem(keys, chain.head.sequence) { _ = fail(nil, problem) }
        let states = try snapshot.streams()
        if try snapshot.streamNameCount() != names.count {
            _ = fail(nil, "the table of stream names does not have \(names.count)")
        }
        if states.count != names.count { _ = fail(nil, "the table of streams does not have \(names.count) streams") }
        for state in states {
            if let problem = try compare(state, snapshot) { _ = fail(nil, "stream \(state.name): \(problem)") }
        }
        for problem in try snapshot.groupProblems() { _ = fail(nil, problem) }
    }

    private func compare(_ state: StreamState, _ snapshot: borrowing LogSnapshot) throws -> String? {
        let expected = streams[state.number] ?? ExpectedStream()
        if state.lastOrdinal != expected.count { return "\(expected.count) records, its row says \(state.lastOrdinal)" }
        if state.entriesAdded != expected.count { return "its row's counters are wrong" }
        if try snapshot.stream(state.name)?.number != state.number { return "its name leads to another stream" }
        if state.lastID != expected.lastID {
            return "its row ends at \(state.lastID), its records at \(expected.lastID)"
        }
        return try compareEntries(state, expected, snapshot)
    }

    /// Walks the index: the entries of the records, and hidden those that a record hides.
    private func compareEntries(
        _ state: StreamState, _ expected: ExpectedStream, _ snapshot: borrowing LogSnapshot
    ) throws -> String? {
        let hiding = hidden[state.name] ?? ExpectedHiding()
        var indexed = ExpectedStream()
        var hiddenRuns: [IndexEntry] = []
        var firstVisible = EntryID.zero
        var isNumbered = true
        try StreamIndex.walk(snapshot.transaction, snapshot.tables, state.number, from: .zero) { entry in
            _ = indexed.add(entry.id, entry.sequence)
            if entry.ordinal != indexed.count { isNumbered = false }
            if hiding.hides(entry.id) {
                hiddenRuns.append(entry)
            } else if firstVisible == .zero {
                firstVisible = entry.id
            }
            return true
        }
        if indexed != expected { return "its index is not what the records give" }
        if !isNumbered { return "its index does not number its entries one after the other" }
        var stored: [HiddenRun] = []
        try HiddenEntries.walk(snapshot.transaction, snapshot.tables, state.number, endingFrom: .zero) { run in
            stored.append(run)
            return true
        }
        if stored != HiddenRun.runs(hiddenRuns) { return "other entries are hidden than its records hide" }
        let isRight =
            state.length == expected.count - UInt64(hiddenRuns.count) && state.firstID == firstVisible
            && state.maxDeletedID == hiding.largestID
        return isRight ? nil : "its row does not count its visible entries"
    }

    /// Nothing behind the head that was given may be missing.
    mutating func finish() {
        guard findings.isEmpty, let known else { return }
        if known.sequence.isNone, known.hash != genesis {
            _ = fail(nil, "the head that was given is an empty log's, and not this one's")
        }
        guard !knownWasSeen else { return }
        _ = fail(
            chain.head.sequence.next,
            "the log ends at \(chain.head.sequence), the head that was given is \(known.sequence): it was cut off")
    }
}

/// A stream's entries as one running checksum (FNV-1a), so that a pass needs no list of them.
private struct ExpectedStream: Equatable {
    var count: UInt64 = 0
    var lastID: EntryID = .zero
    private var checksum: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ id: EntryID, _ sequence: SequenceNumber) -> String? {
        guard id > lastID else { return "its entry id \(id) is not larger than \(lastID)" }
        count += 1
        lastID = id
        for word in [id.milliseconds, id.counter, sequence.rawValue] {
            checksum = (checksum ^ word) &* 0x0000_0100_0000_01b3
        }
        return nil
    }
}

/// What a stream's records hide.
private struct ExpectedHiding {
    private var ids: Set<EntryID> = []
    private var before: EntryID = .zero
    /// Of those hidden by id.
    private(set) var largestID: EntryID = .zero

    mutating func add(_ hiding: Hiding) {
        switch hiding {
        case .entries(let more):
            ids.formUnion(more)
            largestID = max(largestID, more.max() ?? .zero)
        case .before(let id): before = max(before, id)
        }
    }

    func hides(_ id: EntryID) -> Bool { id < before || ids.contains(id) }
}

extension LogSnapshot {
    fileprivate func streamNameCount() throws -> Int { try transaction.count(tables.streamNames) }

    fileprivate func metaProblem() throws -> String? {
        try transaction.withCursor(tables.meta) { cursor in
            var isThere = try cursor.first()
            while isThere {
                let name = String(decoding: cursor.key.array(), as: UTF8.self)
                if !Tables.metaRows.contains(name) { return "a row that nobody knows: \(name)" }
                isThere = try cursor.next()
            }
            return nil
        }
    }

    fileprivate func recordCount() throws -> UInt64 { UInt64(try transaction.count(tables.records)) }

    fileprivate func keyProblem(_ expected: KeySums, _ head: SequenceNumber) throws -> String? {
        try KeyCheck(runs: keys.runs, tables: tables, transaction: transaction.alias(), head: head).problem(expected)
    }
}
