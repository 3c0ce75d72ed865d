// The dedup keys of the seeds' tools. One is there as soon as its intent is in the log; and a client that decides by
// itself may claim it, with SET … NX, as it does in Redis: the claim is an entry under the key, so it is given once, in
// one transaction, and survives. Nothing ever expires: the time to live is only shown.

internal import EventLog
internal import Events
internal import Records
internal import Services

struct DedupKey {
    static let claims = StreamName(literal: "backstop:stream:dedup.claimed")

    private let name: String
    /// Of an intent; nil: the key is an order's.
    private let trace: String?

    /// Nil: another key.
    init?(_ bytes: [UInt8]) {
        name = String(decoding: bytes, as: UTF8.self)
        switch Key(bytes) {
        case .intentDedup(let trace) where !trace.isEmpty: self.trace = trace
        case .orderDedup: trace = nil
        default: return nil
        }
    }

    /// The record that makes it be there.
    func sequence(_ view: borrowing some LogView & ~Copyable) throws -> SequenceNumber? {
        if let trace, let intent = try view.sequence(of: .own("trade.intent/\(trace)"), stream: nil) { return intent }
        guard name.utf8.count <= Limits.keyBytesMax else { return nil }
        return try view.sequence(of: .user(name), stream: DedupKey.claims)
    }

    func value(_ view: borrowing some LogView & ~Copyable) throws -> [UInt8]? {
        guard let record = try record(view) else { return nil }
        return try field("value", record) ?? Array("1".utf8)
    }

    /// In seconds; nil: the key is not there.
    func timeToLive(_ now: Timestamp, _ view: borrowing some LogView & ~Copyable) throws -> Int64? {
        guard let record = try record(view) else { return nil }
        let given = try field("seconds", record).flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        let whole = given ?? HaltKeys.dedupSeconds
        let age = (now.nanoseconds - record.header.recordedAt.nanoseconds) / 1_000_000_000
        return min(whole, max(1, whole - age))
    }

    private func record(_ view: borrowing some LogView & ~Copyable) throws -> Record? {
        try sequence(view).flatMap { try view.record($0) }
    }

    /// Of a claim; an intent has none.
    private func field(_ name: String, _ record: Record) throws -> [UInt8]? {
        guard record.kind == EventKind.untyped.kind else { return nil }
        return try Body.fields(record.body.span.bytes).fields.first { $0.name == Array(name.utf8) }?.value
    }

    // MARK: SET

    /// `SET key value [NX] [EX s | PX ms]`.
    func claim(
        _ words: Words, _ options: SetOptions, _ producer: String, _ transaction: inout LogTransaction
    ) throws -> RespValue {
        guard !options.isMore else {
            throw RespError(whole: "NOPERM a dedup key is claimed once: SET with NX, EX and PX alone")
        }
        if try sequence(transaction) != nil { return options.ifMissing ? .null : .ok }
        let seconds = options.milliseconds.map { max(1, $0 / 1_000) } ?? HaltKeys.dedupSeconds
        let fields = FieldMap([("key", name), ("value", words.text(2)), ("seconds", "\(seconds)")])
        let draft = try Intake.draft(
            stream: DedupKey.claims.text, fields: fields, key: name, traceID: trace, producer: producer,
            recordedAt: transaction.now)
        switch try transaction.append(draft) {
        case .appended: return .ok
        case .refused(let refusal): throw LogError.refused(refusal)
        case .unknown(let why): throw LogError.outcomeUnknown(why)
        case .duplicate, .conflict: return options.ifMissing ? .null : .ok
        }
    }
}

/// Of SET, in Redis' order of checks.
struct SetOptions {
    private(set) var ifMissing = false
    private(set) var milliseconds: Int64?
    /// XX, GET or KEEPTTL: what a claim cannot do.
    private(set) var isMore = false

    init(_ words: Words) throws(RespError) {
        var (ifThere, keepsTime) = (false, false)
        var place = 3
        while place < words.count {
            if words.word(place, is: "nx"), !ifThere {
                ifMissing = true
            } else if words.word(place, is: "xx"), !ifMissing {
                ifThere = true
            } else if words.word(place, is: "get") {
                isMore = true
            } else if words.word(place, is: "keepttl"), milliseconds == nil {
                keepsTime = true
            } else if words.word(place, is: "ex") || words.word(place, is: "px"), milliseconds == nil, !keepsTime,
                words.after(place) > 0
            {
                let unit: Int64 = words.word(place, is: "ex") ? 1_000 : 1
                let (given, isOver) = try words.integer(place + 1).multipliedReportingOverflow(by: unit)
                guard given > 0, !isOver else { throw RespError("invalid expire time in 'set' command") }
                milliseconds = given
                place += 1
            } else {
                throw .syntax
            }
            place += 1
        }
        isMore = isMore || ifThere || keepsTime
    }
}
