// What operators do to the halt keys with Redis' commands: `HSET … halted true` halts; `DEL` and `HSET … halted false`
// resume, with the same refusals as `backstop resume`. Every other write of a virtual key is refused, and so is
// deleting a stream.

package import Domain
internal import EventLog
internal import Events
internal import Records
internal import Services

enum HaltCommand: Equatable, Sendable {
    case halt(reason: String, source: String, members: Int)
    /// - Parameter answer: what Redis would say once it is done.
    case resume(reason: String, answer: Int64)
    /// Nothing that is there is deleted.
    case nothing
}

extension HaltCommand {
    /// What DEL or HSET is to do; throws where it may not.
    init(_ words: Words, _ keys: KeyCommands, _ view: borrowing some LogView & ~Copyable) throws {
        self = words.lower(0) == "del" ? try .deletion(words, keys, view) : try .setting(words, keys, view)
    }

    private static func deletion(
        _ words: Words, _ keys: KeyCommands, _ view: borrowing some LogView & ~Copyable
    ) throws -> HaltCommand {
        var halts: Set<[UInt8]> = []
        for key in words.all.dropFirst() {
            let isThere = try keys.type(key, view) != nil
            switch Key(key) {
            case .haltHash, .haltText: halts.insert(key)
            case .stream(let name) where isThere:
                throw RespError(whole: "NOPERM stream \(name) is not deleted: nothing is deleted from a log")
            case .intentDedup where isThere, .orderDedup where isThere:
                throw RespError(whole: "NOPERM a dedup key stays as long as its intent is in the log")
            case .stream, .intentDedup, .orderDedup, .impossible, .other: continue
            }
        }
        if halts.isEmpty { return .nothing }
        return .resume(reason: "redis DEL", answer: Int64(halts.count))
    }

    private static func setting(
        _ words: Words, _ keys: KeyCommands, _ view: borrowing some LogView & ~Copyable
    ) throws -> HaltCommand {
        guard words.count.isMultiple(of: 2) else { throw RespError.arity("hset") }
        guard Key(words[1]) == .haltHash else {
            if try keys.type(words[1], view) != nil { throw RespError.wrongType }
            throw RespError(whole: "NOPERM \(words.text(1).prefix(200)): only \(Key.haltHashName) is a hash here")
        }
        var members: [String: String] = [:]
        for place in stride(from: 2, to: words.count, by: 2) { members[words.text(place)] = words.text(place + 1) }
        let source = members["source"] ?? members["halted_by"] ?? RespUsers.defaultName
        switch members["halted"]?.lowercased() {
        case "true":
            return .halt(reason: members["reason"] ?? "redis HSET", source: source, members: members.count)
        case "false":
            return .resume(
                reason: members["cleared_by"].map { "cleared_by \($0)" } ?? "redis HSET",
                answer: 0)
        case .some, nil:
            throw RespError(
                whole: "NOPERM \(Key.haltHashName) shows the log: only halted true (a halt) and halted false (a resume)"
            )
        }
    }

    // MARK: A halt

    /// In any case a record: whoever is about to resume must look again.
    static func halt(
        _ reason: String, _ source: String, members: Int, wasHalted: Bool, _ producer: String,
        _ transaction: inout LogTransaction
    ) throws -> RespValue {
        var halt = EventHalt()
        halt.reason = reason
        halt.source = source
        let draft = try Drafts.halt(
            halt, traceID: "", cause: .none, basis: .none, producer: producer, at: transaction.now)
        switch try transaction.append(draft) {
        case .appended: return .integer(wasHalted ? 0 : Int64(members))
        case .refused(let refusal): throw LogError.refused(refusal)
        case .duplicate, .conflict, .unknown: preconditionFailure("a halt has no key")
        }
    }
}

/// How a halt is ended from here.
package struct HaltEnding: Sendable {
    package let policy: ResumePolicy
    /// What the exchange shows now; nil: there is none to ask.
    package let look: (@Sendable () throws -> FlatLook)?

    package init(policy: ResumePolicy, look: (@Sendable () throws -> FlatLook)?) {
        self.policy = policy
        self.look = look
    }

    /// Asks the exchange, so it may take a while: never on an event loop.
    @available(*, noasync)
    func end(
        _ log: EventLog, _ board: HaltBoard, reason: String, operator: String, answer: Int64, producer: String
    ) throws -> RespValue {
        let state = try board.current()
        guard state.trading.halt != nil else { return .integer(0) }
        var request = ResumeRequest(operator: `operator`, reason: reason)
        do { request.look = try look?() } catch {
            throw RespError(whole: "HALTED not resumed: the exchange did not say whether all is flat: \(error)")
        }
        switch try Resumption.resume(log, request, state, policy, producer: producer) {
        case .notHalted: return .integer(0)
        case .refused(let missing):
            throw RespError(whole: "HALTED not resumed: \(missing.joined(separator: "; "))")
        case .resumed: return .integer(answer)
        }
    }
}
