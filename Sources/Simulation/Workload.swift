// What people and bots do: decisions of every kind, halts and resumes, orders of another client on the same account.
// All from the seed; it looks at the log only as an operator would, to end what needs an operator.

internal import EventLog
internal import Events
internal import Records

final class Workload {
    private let world: WorldParts
    private var chance: Chance
    private var hands: Chance
    private let wake: () -> Void
    private(set) var decisions = 0
    private(set) var halts = 0
    private(set) var panics = 0
    /// Called when a trigger stands in the log.
    var panicked: () -> Void = {}
    private var open: [SequenceNumber] = []
    private(set) var strangers = 0
    var hasEnded = false

    init(_ world: WorldParts, wake: @escaping () -> Void) {
        self.world = world
        self.wake = wake
        chance = Chance(world.plan.seed, 3)
        hands = Chance(world.plan.seed, 4)
    }

    func begin() {
        next()
        world.time.after(chance.within(600_000...3_600_000)) { try self.halt() }
        world.time.after(60_000) { try self.operate() }
        if world.plan.hasOtherHands { world.time.after(300_000) { self.trade() } }
    }

    // MARK: Decisions

    /// Often alone, sometimes several at once.
    private func next() {
        let mean = world.plan.decisionEvery
        world.time.after(chance.within(1_000...(2 * mean))) {
            guard !self.hasEnded else { return }
            let several = self.chance.percent(15) ? 2 + self.chance.below(5) : 1
            for _ in 0..<several { try self.decide() }
            self.world.time.after(self.chance.within(1...5)) { self.wake() }
            self.next()
        }
    }

    private func decide() throws {
        decisions += 1
        var fields = FieldMap()
        let again = chance.percent(3) && decisions > 1
        fields.append("trace_id", "d\(again ? decisions - 1 : decisions)")
        fields.append("confidence", chance.percent(5) ? "0.1" : "0.9")
        let isPair = !world.plan.isHedged && chance.percent(12)
        if isPair { pair(&fields) } else { single(&fields) }
        if chance.percent(10) { fields.append("leverage", chance.one(of: ["5", "10", "25"])) }
        let draft = try Intake.draft(
            stream: StreamCatalogue.decisions.text, fields: fields, key: nil, traceID: nil, producer: "workload",
            recordedAt: world.log.clock.now())
        guard case .appended = try world.log.append([draft])[0] else { throw SimulationError("a decision was refused") }
    }

    private func single(_ fields: inout FieldMap) {
        let action = chance.one(of: ["BUY", "BUY", "SELL", "SELL", "CLOSE"])
        fields.append("symbol", chance.one(of: world.plan.symbols))
        fields.append("side", action)
        if world.plan.isHedged, action != "CLOSE" || chance.percent(50) {
            fields.append("position_side", chance.one(of: ["LONG", "SHORT"]))
        }
        guard action != "CLOSE" else { return }
        if chance.percent(15) { fields.append("reduce_only", "true") }
        size(&fields)
    }

    /// Sizes that fit, that are too small, and that are larger than what rests in the book.
    private func size(_ fields: inout FieldMap) {
        switch chance.below(10) {
        case 0: fields.append("quantity", chance.one(of: ["0.003", "0.5", "7", "1200"]))
        case 1: fields.append("position_size_usd", chance.one(of: ["2", "40", "150000"]))
        case 2: break
        default: fields.append("position_size_usd", "\(60 + chance.below(5_000))")
        }
    }

    private func pair(_ fields: inout FieldMap) {
        let two = chance.shuffled(world.plan.symbols)
        let isLong = chance.percent(50)
        fields.append("pair_x", two[0])
        fields.append("pair_y", two[1])
        fields.append("side_x", isLong ? "BUY" : "SELL")
        fields.append("side_y", isLong ? "SELL" : "BUY")
        fields.append("position_size_usd", "\(500 + chance.below(3_000))")
        if chance.percent(70) { fields.append("ratio", chance.one(of: ["0.5", "1", "3.7", "20"])) }
    }

    // MARK: Operators

    private func halt() throws {
        guard !hasEnded else { return }
        let isRestless = world.plan.isRestless
        world.time.after(chance.within(isRestless ? 60_000...300_000 : 1_800_000...7_200_000)) { try self.halt() }
        if chance.percent(60) { return try race() }
        halts += 1
        var halt = EventHalt()
        halt.reason = "drill"
        halt.source = "ops"
        try append(
            try Drafts.halt(
                halt, traceID: "", cause: .none, basis: .none, producer: "ops", at: world.log.clock.now()))
        world.time.after(chance.within(5_000...900_000)) { try self.endHalt() }
    }

    /// A panic in the moment in which orders are on their way; now and then a second one behind it.
    private func race() throws {
        for _ in 0..<(1 + chance.below(4)) { try decide() }
        wake()
        world.time.after(chance.within(1...2_500)) { try self.panic() }
        if chance.percent(25) { world.time.after(chance.within(1...6_000)) { try self.panic() } }
    }

    private func panic() throws {
        panics += 1
        let now = world.log.clock.now()
        let fields = FieldMap([
            ("event_id", "p\(panics)"), ("reason", "drill"), ("severity", "CRITICAL"), ("issued_by", "ops"),
            ("ts", String(now.milliseconds)),
        ])
        let draft = try Intake.draft(
            stream: StreamCatalogue.panics.text, fields: fields, key: nil, traceID: nil, producer: "ops",
            recordedAt: now)
        guard case .appended(let place) = try world.log.append([draft], .emergency)[0] else {
            throw SimulationError("a trigger was refused")
        }
        open.append(place.sequence)
        panicked()
        wake()
        world.time.after(chance.within(5_000...(world.plan.isRestless ? 30_000 : 600_000))) { try self.endHalt() }
    }

    /// Not before every trigger has its completion.
    private func endHalt() throws {
        let isDone = try world.log.snapshot { snapshot in
            try open.allSatisfy { try snapshot.first(.own("panic.completed/\($0)"), stream: nil) != nil }
        }
        guard isDone else { return world.time.after(10_000) { try self.endHalt() } }
        open = []
        if try world.log.snapshot({ try $0.guards() }).first("halt") != nil { try resume(.halt) }
    }

    /// Ends what needs an operator, a while after it began.
    private func operate() throws {
        let now = world.time.now
        let guards = try world.log.snapshot { try $0.guards() }
        if let holder = guards.first("reducing"), try age(holder, now) > 300_000 { try resume(.reducing) }
        for symbol in world.plan.symbols {
            guard let holder = guards.first("symbol/\(symbol)"), try isGivenUp(holder), try age(holder, now) > 600_000
            else { continue }
            try resume(.symbol, symbol)
        }
        world.time.after(60_000) { try self.operate() }
    }

    private func age(_ holder: GuardHolder, _ now: Milliseconds) throws -> Milliseconds {
        guard let record = try world.log.snapshot({ try $0.record(holder.sequence) }) else { return 0 }
        return now - record.header.recordedAt.milliseconds
    }

    /// Whether nobody looks for that order any more.
    private func isGivenUp(_ holder: GuardHolder) throws -> Bool {
        try world.log.snapshot { snapshot in
            guard let number = UInt64(holder.holder), let request = try snapshot.record(SequenceNumber(number)) else {
                return false
            }
            return try snapshot.first(.own("execution.result/\(request.header.cause.rawValue)"), stream: nil) != nil
        }
    }

    private func resume(_ scope: EventResumeScope, _ symbol: String = "") throws {
        var resume = EventResume()
        resume.scope = scope
        resume.operator = "operator"
        resume.reason = "looked"
        resume.symbol = symbol
        try append(
            try Drafts.resume(resume, cause: .none, basis: .none, producer: "ops", at: world.log.clock.now()))
    }

    private func append(_ draft: Draft) throws {
        guard case .appended = try world.log.append([draft], .emergency)[0] else {
            throw SimulationError("an operator's record was refused")
        }
        wake()
    }

    // MARK: Other hands

    private func trade() {
        guard !hasEnded else { return }
        let symbol = hands.one(of: world.plan.symbols)
        let side = hands.one(of: ["BUY", "SELL"])
        let place = world.plan.isHedged ? hands.one(of: ["LONG", "SHORT"]) : "BOTH"
        let reason = hands.one(of: ["other_client", "other_client", "adl", "liquidation"])
        let problem = world.exchange.control(
            "POST", "position",
            """
            {"symbol":"\(symbol)","side":"\(side)","position_side":"\(place)","quantity":"\(1 + hands.below(3))",\
            "reason":"\(reason)"}
            """)
        if problem.isEmpty {
            strangers += 1
            world.hands.lastAt = world.time.now
        }
        world.time.after(hands.within(300_000...3_600_000)) { self.trade() }
    }
}

struct SimulationError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
