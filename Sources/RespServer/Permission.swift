// What a user may do. Reading is everybody's; what writes is bound to the roles that the stream's writers have, so that
// nobody without the role gives a heartbeat, a trigger in another's name, or a completion; what a service of ours reads
// through its group is acknowledged by nobody else.

internal import Events
internal import Records
internal import Services

enum Permission {
    /// These groups are our services' own: who acknowledges there keeps them from their work.
    private static let groups = [
        "router": "router", ExecutionJournal.group: "execution", Recorder.group: "exit_worker",
    ]

    /// - Parameter user: nil: nobody has said yet who speaks.
    static func check(_ command: Command, _ words: Words, _ user: RespUser?) throws(RespError) {
        guard let user else {
            if ["auth", "hello", "quit", "reset"].contains(command.name) { return }
            throw RespError(whole: "NOAUTH Authentication required.")
        }
        if user.isEverybody { return }
        // It ends another's wait.
        if command.name == "client", words.lower(1) == "unblock" { return try demandMoreThanReading(user) }
        guard command.course == .write else { return }
        switch command.name {
        case "xadd": try checkAdding(words, user)
        case "xdel", "xtrim": try demand([RespUsers.operators], of: user, "hiding entries of a stream")
        case "hset", "del":
            try demand([RespUsers.operators] + PanicTrigger.issuers, of: user, "halting")
        case "xgroup" where words.lower(1) == "help": return
        default: try checkGroup(command, words, user)
        }
    }

    /// Ending a halt is an operator's alone.
    static func checkResume(_ user: RespUser) throws(RespError) {
        try demand([RespUsers.operators], of: user, "resuming")
    }

    /// A trigger's issuer is a role of who sends it.
    static func checkIssuer(_ event: Event?, _ user: RespUser) throws(RespError) {
        guard case .panicRequested(let request)? = event else { return }
        try demand([request.issuer], of: user, "a trigger that is issued by \(request.issuer)")
    }

    private static func checkAdding(_ words: Words, _ user: RespUser) throws(RespError) {
        guard case .stream(let name) = words.key(1), let entry = StreamCatalogue.entry(for: name) else {
            return try demandMoreThanReading(user)
        }
        try demand(entry.writers, of: user, "adding to \(entry.name)")
    }

    private static func checkGroup(_ command: Command, _ words: Words, _ user: RespUser) throws(RespError) {
        try demandMoreThanReading(user)
        for place in groupPlaces(command, words) where place < words.count {
            guard let role = groups[words.text(place)] else { continue }
            try demand(
                [role, RespUsers.operators], of: user, "group \(words.text(place)), which a service works with,")
        }
    }

    private static func groupPlaces(_ command: Command, _ words: Words) -> [Int] {
        switch command.name {
        case "xgroup": [3]
        case "xack", "xclaim", "xautoclaim": [2]
        case "xreadgroup": (1..<words.count).filter { words.word($0, is: "group") }.map { $0 + 1 }
        default: []
        }
    }

    private static func demandMoreThanReading(_ user: RespUser) throws(RespError) {
        guard user.roles == [RespUsers.reader] else { return }
        throw RespError(whole: "NOPERM user \(user.name) may only read")
    }

    private static func demand(_ roles: [String], of user: RespUser, _ what: String) throws(RespError) {
        guard !user.has(oneOf: roles) else { return }
        throw RespError(
            whole: "NOPERM \(what) needs a role that user \(user.name) does not have: \(roles.joined(separator: ", "))")
    }
}
