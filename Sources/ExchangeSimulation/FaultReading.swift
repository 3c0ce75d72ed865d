// From a control request to a fault: the kinds, their fields and their defaults. The help text of the server
// and the project's README show the same names.

internal import Events
internal import Records

extension Venue {
    package static let faultKinds = [
        "partial_fill", "reject", "lost", "ghost", "unavailable", "timeout", "rate_limit", "ban", "forbidden",
        "bad_gateway", "cut", "close", "slow", "delay", "stale_positions",
    ]

    package static let streamFaultKinds = ["drop", "duplicate", "swap", "late", "disconnect"]

    mutating func readFault(_ fields: inout ControlFields) throws(ControlError) -> Fault {
        let kind = try fields.required("kind", try fields.text("kind"))
        var match = Fault.Match()
        if ["partial_fill", "reject", "lost", "ghost"].contains(kind) {
            (match.method, match.path) = ("POST", "/fapi/v1/order")
        }
        match.method = try fields.text("method") ?? match.method
        match.path = try fields.text("path") ?? match.path
        match.symbol = try fields.text("symbol")
        match.side = try fields.text("side")
        let skip = Int(try fields.integer("skip", 0...Limits.simulatedFaultTimesMax) ?? 0)
        let times = Int(try fields.integer("times", 1...Limits.simulatedFaultTimesMax) ?? 1)
        let effect = try readEffect(kind, &fields, &match)
        try fields.finish()
        return Fault(
            id: (faults.last?.id ?? 0) + 1, kind: kind, match: match, skip: skip, times: times, effect: effect)
    }

    private func readEffect(_ kind: String, _ fields: inout ControlFields, _ match: inout Fault.Match)
        throws(ControlError) -> FaultEffect
    {
        var effect = FaultEffect()
        switch kind {
        case "partial_fill":
            effect.context.fillPercent = try fields.required("percent", try fields.integer("percent", 0...100))
        case "reject": effect.refusal = try readRefusal(&fields)
        case "lost": try readLost(&fields, &effect)
        case "ghost": try readGhost(&fields, &effect)
        case "unavailable": try readUnavailable(&fields, &effect, &match)
        case "timeout":
            try set(Answer(.statusUnknown), executed: try fields.boolean("executed") ?? false, &fields, &effect)
        case "rate_limit": effect.refusal = try readRateLimit(&fields)
        case "ban": effect.refusal = try readBan(&fields)
        case "forbidden": effect.refusal = Venue.page(403, "Request blocked.")
        case "bad_gateway":
            try set(
                Venue.page(502, "Bad Gateway"), executed: try fields.boolean("executed") ?? false, &fields, &effect)
        case "cut": effect.wire = Wire(.cut)
        case "close":
            effect.refusal = Answer(.statusUnknown)
            effect.wire = Wire(.close)
        case "slow":
            let rate = try fields.integer("bytes_per_second", 1...1_000_000)
            effect.wire.bytesPerSecond = Int(try fields.required("bytes_per_second", rate))
        case "delay":
            effect.delayBefore = try milliseconds("before_ms", &fields)
            effect.delayInEngine = try milliseconds("engine_ms", &fields)
            effect.wire.delay = try milliseconds("after_ms", &fields)
        case "stale_positions": effect.staleHoldings = accounts.map(\.holdings)
        default: throw ControlError("unknown kind \(kind); one of: \(Venue.faultKinds.joined(separator: ", "))")
        }
        return effect
    }

    private static func page(_ status: Int, _ title: String) -> Answer {
        Answer(
            status: status, type: "text/html",
            body: "<html><head><title>\(status) \(title)</title></head><body><h1>\(title)</h1></body></html>\n")
    }

    private func milliseconds(_ name: String, _ fields: inout ControlFields) throws(ControlError) -> Milliseconds {
        try fields.integer(name, 0...Limits.simulatedDelayMillisecondsMax) ?? 0
    }

    private func set(_ answer: Answer, executed: Bool, _ fields: inout ControlFields, _ effect: inout FaultEffect)
        throws(ControlError)
    {
        if executed { try readContext(&fields, &effect) }
        if executed { effect.replacement = answer } else { effect.refusal = answer }
    }

    private func readRefusal(_ fields: inout ControlFields) throws(ControlError) -> Answer {
        let code = try fields.required("code", try fields.integer("code", -9_999 ... -1))
        let status = try fields.integer("status", 400...599)
        let message = try fields.text("msg") ?? "Simulated refusal."
        var answer = Answer(VenueError(Int(code), message, status: Int(status ?? 400)))
        if let seconds = try fields.integer("retry_after_s", 0...300_000) {
            answer.headers.append(Answer.Header("Retry-After", String(seconds)))
        }
        return answer
    }

    private func readRateLimit(_ fields: inout ControlFields) throws(ControlError) -> Answer {
        let code = try fields.integer("code", -1_015 ... -1_003) ?? -1_003
        let limits = options.limits
        var answer = Answer(
            code == -1_015
                ? .tooManyOrders(limits.ordersPerTenSeconds, "10 SECOND") : .tooManyRequests(limits.weightPerMinute))
        let seconds = try fields.integer("retry_after_s", 0...300_000) ?? 1
        answer.headers.append(Answer.Header("Retry-After", String(seconds)))
        return answer
    }

    private func readBan(_ fields: inout ControlFields) throws(ControlError) -> Answer {
        let seconds = try fields.integer("retry_after_s", 1...300_000) ?? 120
        var answer = Answer(.banned(until: serverTime + seconds * 1_000))
        answer.headers.append(Answer.Header("Retry-After", String(seconds)))
        return answer
    }

    // MARK: Before and after accepting

    private func readLost(_ fields: inout ControlFields, _ effect: inout FaultEffect) throws(ControlError) {
        let (wire, answer) = try readWire(&fields)
        effect.wire = wire
        effect.refusal = answer ?? Answer(.statusUnknown)
        effect.wire.delay = try milliseconds("after_ms", &fields)
    }

    private func readGhost(_ fields: inout ControlFields, _ effect: inout FaultEffect) throws(ControlError) {
        let (wire, answer) = try readWire(&fields)
        effect.wire = wire
        effect.replacement = answer
        effect.wire.delay = try milliseconds("after_ms", &fields)
        try readContext(&fields, &effect)
    }

    private func readContext(_ fields: inout ControlFields, _ effect: inout FaultEffect) throws(ControlError) {
        effect.context.hiddenFor = try milliseconds("visible_after_ms", &fields)
        let late = try milliseconds("stream_late_ms", &fields)
        if late > 0 { effect.context.stream = .late(late) }
        if try fields.boolean("stream_silent") ?? false { effect.context.stream = .silent }
        effect.context.fillPercent = try fields.integer("percent", 0...100)
    }

    private func readWire(_ fields: inout ControlFields) throws(ControlError) -> (Wire, Answer?) {
        switch try fields.text("wire") ?? "hang" {
        case "hang": return (Wire(.hang), nil)
        case "close": return (Wire(.close), nil)
        case "cut": return (Wire(.cut), nil)
        case "reset": return (Wire(.reset), nil)
        case "503": return (Wire(), Venue.unavailable("A", serverTime))
        case "503_bare": return (Wire(), Venue.unavailable("A_bare", serverTime))
        case "408": return (Wire(), Answer(.statusUnknown))
        case let other: throw ControlError("unknown wire \(other); one of: hang, close, cut, reset, 503, 503_bare, 408")
        }
    }

    // MARK: 503

    private func readUnavailable(
        _ fields: inout ControlFields, _ effect: inout FaultEffect, _ match: inout Fault.Match
    ) throws(ControlError) {
        let text = try fields.text("text") ?? "A"
        guard let answer = Venue.unavailable(text, serverTime) else {
            throw ControlError("unknown text \(text); one of: A, A_bare, B, C, D")
        }
        effect.isCounted = text != "B" && text != "C"
        if text == "C" {
            match.sparesExempt = true
            match.method = match.method ?? "POST"
        }
        let executed = try fields.boolean("executed") ?? false
        if executed, !text.hasPrefix("A") { throw ControlError("only text A leaves open whether it was executed") }
        try set(answer, executed: executed, &fields, &effect)
    }

    private static func unavailable(_ text: String, _ now: Milliseconds) -> Answer? {
        let unknown = "Unknown error, please check your request or try again later."
        switch text {
        case "A": return Answer(VenueError(-1_000, unknown, status: 503))
        case "A_bare":
            return Answer(
                status: 503,
                object(["timestamp": .int(now), "path": .string("/fapi/v1/order"), "msg": .string(unknown)]))
        case "B": return Answer(status: 503, object(["code": .int(-1_016), "msg": .string("Service Unavailable.")]))
        case "C": return Answer(.throttled)
        case "D": return Answer(.internalError)
        default: return nil
        }
    }
}
