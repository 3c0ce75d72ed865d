// Runs every emergency exit again on what it was told. Its evidence comes after its records, so a run is judged when all of
// it has been read: each recorded close, outcome and completion must be one that a life of the run wanted, and each close
// that a life wanted must be recorded. Names and sums are judged at once.

internal import Events
internal import Exchange
internal import Records

struct ExitAudit: Sendable {
    private struct Run {
        var requests: [(record: SequenceNumber, message: EventOrderRequested)] = []
        var outcomes: [(record: SequenceNumber, message: EventOrderOutcome)] = []
        var completion: (record: SequenceNumber, message: EventPanicCompleted)?
        var fragments: [Fragments] = []
        var unreadable: String?
    }
    private struct Fragments {
        let session: SequenceNumber
        let startedAt: Int64
        let count: UInt32
        var texts: [String] = []
    }
    private var runs: [SequenceNumber: Run] = [:]

    // MARK: Records

    mutating func requested(
        _ record: Record, _ message: EventOrderRequested, _ past: any AuditPast, _ book: inout AuditBook
    ) throws {
        let panic = SequenceNumber(message.intentSequence)
        guard let trigger = try past.record(panic), trigger.kind == EventKind.panicRequested.kind else {
            return book.find(record.sequence, ExitRun.rule, expected: "a trigger", found: "record \(panic) is none")
        }
        guard message.reduceOnly else {
            return book.find(
                record.sequence, ExitRun.rule, expected: "an order that can only reduce", found: "one that may open")
        }
        guard runs.count < Limits.auditExitsMax || runs[panic] != nil else {
            return book.cannotReplay(record.sequence, ExitRun.rule, "more runs than this audit follows at once")
        }
        runs[panic, default: Run()].requests.append((record.sequence, message))
    }

    mutating func ended(_ record: Record, _ message: EventOrderOutcome, _ panic: SequenceNumber) {
        runs[panic]?.outcomes.append((record.sequence, message))
    }

    mutating func completed(
        _ record: Record, _ message: EventPanicCompleted, _ past: any AuditPast, _ book: inout AuditBook
    ) throws {
        let panic = SequenceNumber(message.panicSequence)
        if panic.isNone { return }
        guard let trigger = try past.record(panic), trigger.kind == EventKind.panicRequested.kind,
            trigger.sequence < record.sequence
        else {
            return book.find(record.sequence, ExitRun.rule, expected: "a trigger", found: "record \(panic) is none")
        }
        guard message.positionsClosed + message.positionsFailed == message.positionsTotal else {
            return book.find(
                record.sequence, ExitRun.rule, expected: "\(message.positionsTotal) positions closed or failed",
                found: "\(message.positionsClosed) closed, \(message.positionsFailed) failed")
        }
        guard message.positionsFailed == 0 || !message.failedSymbols.isEmpty else {
            return book.find(record.sequence, ExitRun.rule, expected: "the symbols that failed", found: "none")
        }
        runs[panic, default: Run()].completion = (record.sequence, message)
    }

    mutating func said(_ record: Record, _ evidence: EventEvidence) {
        var run = runs[SequenceNumber(evidence.about)] ?? Run()
        if evidence.part == 1 {
            run.fragments.append(
                Fragments(session: record.header.session, startedAt: evidence.startedAtMs, count: evidence.parts))
        }
        let place = run.fragments.lastIndex {
            $0.session == record.header.session && $0.startedAt == evidence.startedAtMs
                && $0.texts.count + 1 == Int(evidence.part)
        }
        if let place {
            run.fragments[place].texts.append(evidence.said)
        } else {
            run.unreadable = "part \(evidence.part) of its evidence, without the one before"
        }
        runs[SequenceNumber(evidence.about)] = run
    }

    // MARK: Judging

    func finish(_ book: inout AuditBook) {
        for (panic, run) in runs.sorted(by: { $0.key < $1.key }) {
            var lives: [ExitReplay] = []
            var missing = run.unreadable
            for fragments in run.fragments {
                guard fragments.texts.count == Int(fragments.count) else {
                    missing = "its evidence is not whole"
                    continue
                }
                do throws(MessageError) {
                    lives.append(ExitReplay(try ExitDocument(fragments.texts.joined())))
                } catch { missing = "its evidence cannot be read: \(error)" }
            }
            if lives.isEmpty, missing == nil { missing = "there is no evidence of what the exchange showed it" }
            judge(panic, run, lives, missing, &book)
        }
    }

    private func judge(
        _ panic: SequenceNumber, _ run: Run, _ lives: [ExitReplay], _ missing: String?, _ book: inout AuditBook
    ) {
        // A life that died has left no evidence; what it sent stands in the journal of the next one.
        let inherited = lives.reduce(into: Set<String>()) { $0.formUnion($1.inherited) }
        for (record, message) in run.requests {
            if let close = lives.lazy.compactMap({ $0.closes[message.clientOrderID] }).first {
                compare(record, close, message, &book)
            } else if let why = missing ?? (inherited.contains(message.clientOrderID) ? ExitAudit.died : nil) {
                book.cannotReplay(record, ExitRun.rule, why)
            } else {
                book.find(record, ExitRun.rule, expected: "no such close", found: ExitAudit.text(message))
            }
        }
        let recorded = Set(run.requests.map(\.message.clientOrderID))
        for close in lives.flatMap(\.closes.values).sorted(by: { $0.clientOrderID.text < $1.clientOrderID.text })
        where !recorded.contains(close.clientOrderID.text) {
            book.find(
                panic, ExitRun.rule, expected: "close \(close.clientOrderID) of \(close.quantity) \(close.place)",
                found: "no record of it")
        }
        for (record, message) in run.outcomes { compare(record, message, lives, inherited, missing, &book) }
        guard let (record, message) = run.completion else { return }
        // A close that no life here wanted was another life's, and so may the completion be.
        let isWhole = run.requests.allSatisfy { request in
            lives.contains { $0.closes[request.message.clientOrderID] != nil }
        }
        compare(record, message, lives, missing ?? (isWhole ? nil : ExitAudit.died), &book)
    }

    private static let died = "sent by a life of the run that died before its evidence was recorded"

    private func compare(
        _ record: SequenceNumber, _ close: CloseOrder, _ message: EventOrderRequested, _ book: inout AuditBook
    ) {
        let (expected, found) = (ExitAudit.text(close), ExitAudit.text(message))
        guard expected == found else { return book.find(record, ExitRun.rule, expected: expected, found: found) }
        book.isAsRecorded(record, ExitRun.rule)
    }

    private func compare(
        _ record: SequenceNumber, _ message: EventOrderOutcome, _ lives: [ExitReplay], _ inherited: Set<String>,
        _ missing: String?, _ book: inout AuditBook
    ) {
        let ends = lives.flatMap { $0.ends[message.clientOrderID] ?? [] }
        let isThere = ends.contains { end in
            end.state == message.state && end.executed.event == message.executedQuantity
        }
        if isThere { return book.isAsRecorded(record, ExitRun.rule) }
        if let why = missing ?? (inherited.contains(message.clientOrderID) ? ExitAudit.died : nil) {
            return book.cannotReplay(record, ExitRun.rule, why)
        }
        book.find(
            record, ExitRun.rule, expected: ends.last.map { "\($0.state.text) \($0.executed)" } ?? "no outcome yet",
            found: message.state.text)
    }

    private func compare(
        _ record: SequenceNumber, _ message: EventPanicCompleted, _ lives: [ExitReplay], _ missing: String?,
        _ book: inout AuditBook
    ) {
        // Socket and log may each have brought it: two runs, and the first of their completions stands.
        let differences = lives.compactMap(\.completion).map { end in
            let end = ExitEnd(
                completion: end, startedAtNs: message.startedAtNs, completedAtNs: message.completedAtNs)
            let expected = end.completed(SequenceNumber(message.panicSequence), eventID: message.eventID)
            return Event.panicCompleted(expected).differences(from: .panicCompleted(message))
        }
        guard let last = differences.last else {
            return book.cannotReplay(record, ExitRun.rule, missing ?? ExitAudit.died)
        }
        guard differences.contains(where: \.isEmpty) else {
            // It may be that of a life whose evidence is not here.
            if let missing { return book.cannotReplay(record, ExitRun.rule, missing) }
            return book.find(
                record, ExitRun.rule, expected: last.map { "\($0.name) \($0.expected)" }.joined(separator: ", "),
                found: last.map { "\($0.name) \($0.found)" }.joined(separator: ", "))
        }
        book.isAsRecorded(record, ExitRun.rule)
    }

    private static func text(_ close: CloseOrder) -> String {
        "\(close.side.rawValue) \(close.quantity) \(close.place.symbol) \(close.place.side.event)"
    }

    private static func text(_ message: EventOrderRequested) -> String {
        let side: OrderSide? = message.side == .buy ? .buy : message.side == .sell ? .sell : nil
        let quantity: String
        do { quantity = try ExactDecimal(message.quantity).description } catch { quantity = "unreadable" }
        return "\(side?.rawValue ?? "?") \(quantity) \(message.symbol) \(message.positionSide)"
    }
}
