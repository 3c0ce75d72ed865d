// Runs of the exit by seed: accounts, fates, delays, late openings, kills. The market's own books judge each of them.

import Events
import Records
import Testing

@testable import Domain
@testable import Exchange

@Suite struct ExitSweepTests {
    static let seeds = 400

    @Test func everyRunEndsAndSaysTheTruth() {
        var (flat, failed, restarts) = (0, 0, 0)
        for seed in 1...ExitSweepTests.seeds {
            var course = ExitSweepCourse(UInt64(seed))
            course.run()
            for problem in course.problems {
                Issue.record("seed \(seed): \(problem); ExitSweepCourse(\(seed)) repeats it")
            }
            restarts += course.restarts
            if course.isFlat { flat += 1 } else { failed += 1 }
        }
        #expect(flat > ExitSweepTests.seeds / 3 && failed > ExitSweepTests.seeds / 20, "\(flat) \(failed)")
        #expect(restarts > ExitSweepTests.seeds / 4, "\(restarts)")
    }
}

struct ExitSweepCourse {
    private var state: UInt64
    private var world: ExitWorld
    private let haltedAt: Milliseconds
    private var refusing: Set<SymbolName> = []
    private var opened: Set<ExitPlace> = []
    private(set) var restarts = 0
    private(set) var problems: [String] = []
    var isFlat: Bool { world.run.completion?.isFlat ?? false }

    init(_ seed: UInt64) {
        state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        // One in four: the worker was down when the trigger came.
        haltedAt = ExitFirstPassTests.halt - (seed.isMultiple(of: 4) ? 60_000 : 0)
        world = ExitWorld()
        var market = ExitMarket()
        market.isHedged = below(3) == 0
        for symbol in ExitWorld.symbols where below(4) > 0 { hold(symbol, &market) }
        world = ExitWorld(haltedAt: haltedAt, instruments: below(8) == 0 ? nil : ExitWorld.info, market)
        world.latency = Milliseconds(2 + below(400))
        world.cancelTakes = Milliseconds(2 + below(600))
        if below(6) == 0 { world.deafLooks = below(8) }
        if below(8) == 0 { world.stale = (world.market.rows(), 1 + below(5)) }
        for symbol in ExitWorld.symbols where below(2) == 0 { script(symbol) }
        if !seed.isMultiple(of: 4) { for _ in 0..<below(3) { land() } }
    }

    private mutating func below(_ count: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(count))
    }

    private mutating func hold(_ symbol: SymbolName, _ market: inout ExitMarket) {
        let quantity = Int64(below(4) == 0 ? 100_000 + below(400_000) : 1 + below(5_000))
        guard market.isHedged else {
            market.hold(symbol, below(2) == 0 ? quantity : -quantity)
            opened.insert(ExitPlace(symbol: symbol, side: .both))
            if below(4) == 0 { market.algos.insert(symbol) }
            return
        }
        for side in [PositionSide.long, .short] where below(2) == 0 {
            market.hold(symbol, side == .long ? quantity : -quantity, side)
            opened.insert(ExitPlace(symbol: symbol, side: side))
        }
    }

    private mutating func script(_ symbol: SymbolName) {
        world.fates[symbol] = (0...below(3)).map { _ in fate(symbol) }
    }

    private mutating func fate(_ symbol: SymbolName) -> CloseFate {
        var fate = CloseFate()
        switch below(12) {
        case 0, 1: fate.share = below(101)
        case 2: fate.told = .lost(arrives: true)
        case 3: fate.told = .lost(arrives: false)
        case 4:
            fate.told = .rejected(code: below(3) == 0 ? nil : -2019, status: 403, text: "no")
            refusing.insert(symbol)
        case 5, 6: fate.told = .throttled(wait: Milliseconds(below(2_000)))
        case 7: fate.told = .notSent
        case 8: fate.travels = Milliseconds(below(4_000))
        case 9: fate.answersAfter = Milliseconds(below(8_000))
        default: break
        }
        fate.shownAfter = below(3) == 0 ? Milliseconds(below(3_000)) : 0
        return fate
    }

    /// An opening order that left before the halt lands before the fence.
    private mutating func land() {
        let symbol = ExitWorld.symbols[below(ExitWorld.symbols.count)]
        let side: PositionSide = world.market.isHedged ? (below(2) == 0 ? .long : .short) : .both
        let quantity = Int64(1 + below(3_000))
        let place = ExitPlace(symbol: symbol, side: side)
        let isShort =
            side == .short
            || side == .both
                && (world.market.rows().readable.first { $0.symbol == symbol.text }?.quantity.isNegative ?? false)
        world.land(place, isShort ? -quantity : quantity, at: haltedAt + Milliseconds(below(2_990)))
        opened.insert(place)
    }

    // MARK: The run

    mutating func run() {
        world.start()
        let lives = below(4)
        for _ in 0..<lives {
            let end = world.now + Milliseconds(1 + below(2_500))
            while !world.run.isOver, world.step(until: end) {}
            if world.run.completion != nil { break }
            restarts += 1
            world.restart(after: Milliseconds(below(1_500)), haltedAt: haltedAt)
        }
        world.finish()
        judge()
    }

    private mutating func judge() {
        problems += world.market.problems
        guard let end = world.run.completion, world.run.isOver else {
            problems.append("it does not end")
            return
        }
        if end.positionsTotal != end.positionsClosed + end.positionsFailed { problems.append("the sums: \(end)") }
        let open = Set(world.market.open.map(\.symbol.text))
        if end.isFlat, !open.isEmpty { problems.append("it says flat, open are \(open)") }
        if !open.isSubset(of: end.failedSymbols) { problems.append("open \(open), told \(end.failedSymbols)") }
        let wrong = Set(end.failedSymbols).subtracting(open)
        if !wrong.isEmpty, world.stale == nil { problems.append("told as failed, and closed: \(wrong)") }
        if !end.isFlat, refusing.isEmpty, world.stale == nil { problems.append("nothing was refused: \(end)") }
        judgeOrders()
    }

    private mutating func judgeOrders() {
        let names = world.sent.map(\.close.clientOrderID.text)
        if Set(names).count != names.count { problems.append("a name was used twice") }
        for (name, orders) in world.market.orders where orders.count > 1 {
            problems.append("\(name) was executed \(orders.count) times")
        }
        for symbol in refusing {
            let mine = world.sent.filter { $0.close.place.symbol == symbol }
            for place in Set(mine.map(\.close.place)) { judgeRefused(place) }
        }
        for (at, close) in world.sent where !opened.contains(close.place) {
            problems.append("\(close) at \(at): nothing was ever held there")
        }
    }

    /// After its refusal nothing of that place is sent.
    private mutating func judgeRefused(_ place: ExitPlace) {
        guard
            let refused = world.journal.firstIndex(where: { past in
                past.close.place == place && past.end?.state == .rejected && past.end?.errorCode != 0
            })
        else { return }
        let close = world.journal[refused].close
        let later = world.sent.filter { $0.close.place == place && $0.close.part > close.part }
        // Two of one place are on their way at most where the first was not known.
        if later.count > 1 { problems.append("\(place) was refused, and then \(later.count) were sent") }
    }
}
