// Which process is killed when: every place that has a failpoint, for several counts, and random moments
// between them. Everything comes from the seed and the round's number.

import EventLog

struct Kill: CustomStringConvertible {
    enum Victim: String, CaseIterable { case appender, router, consumer }
    enum Moment: Equatable {
        case failpoint(Failpoint, Int)
        /// After so many bytes of the victim's journal, and then so many turns of the processor.
        case random(bytes: Int, yields: Int)
    }

    let victim: Victim
    let moment: Moment

    /// As BACKSTOP_FAILPOINT wants it.
    var failpoint: String? {
        guard case .failpoint(let failpoint, let count) = moment else { return nil }
        return "\(failpoint.rawValue)@\(count)"
    }

    var description: String {
        switch moment {
        case .failpoint: "\(victim.rawValue) at \(failpoint ?? "")"
        case .random(let bytes, let yields): "\(victim.rawValue) after \(bytes) bytes and \(yields) yields"
        }
    }
}

struct KillPlan {
    static let killsPerRound = 10
    private let places: [Kill]
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed)
        places = KillPlan.everyPlace.shuffled(using: &random)
    }

    /// Half of a round's kills are at failpoints, each in its turn; after `roundsForAllPlaces` all had theirs.
    static var roundsForAllPlaces: Int { (everyPlace.count * 2 + killsPerRound - 1) / killsPerRound }

    func kills(ofRound round: Int) -> [Kill] {
        var random = generator(round)
        let half = KillPlan.killsPerRound / 2
        let atPlaces = (0..<half).map { places[(round * half + $0) % places.count] }
        let atRandom = (0..<half).map { _ in
            Kill(
                victim: Kill.Victim.allCases.randomElement(using: &random) ?? .consumer,
                moment: .random(
                    bytes: Int.random(in: 0...4_000, using: &random), yields: Int.random(in: 0...3_000, using: &random))
            )
        }
        return (atPlaces + atRandom).shuffled(using: &random)
    }

    /// A round's own random numbers, whatever the rounds before it drew.
    func generator(_ round: Int) -> SeededGenerator { SeededGenerator(seed: seed &+ UInt64(round) &* 0x9e37_79b9) }

    private static let everyPlace: [Kill] = Kill.Victim.allCases.flatMap { victim in
        Failpoint.ofTheLog.flatMap { failpoint in
            counts(victim, failpoint).map { Kill(victim: victim, moment: .failpoint(failpoint, $0)) }
        }
    }

    /// An appender passes only the places of the log itself.
    private static func counts(_ victim: Kill.Victim, _ failpoint: Failpoint) -> [Int] {
        switch failpoint {
        case .transactionBegun, .commitBefore, .commitAfter, .replyAfter: [1, 2, 3]
        case .recordPut: [1, 2, 5, 30]
        case .deliveryAfter, .decisionBefore, .acknowledgeBefore, .acknowledgeAfter:
            victim == .appender ? [] : [1, 2, 3]
        case .requestAfter, .placeBefore, .placeAfter, .noteAfter, .concludeAfter, .importBefore, .importAfter,
            .exportAfter, .copyPrepared, .copyWritten, .copyChecked, .copyRenamed, .copyFinished, .searchStep,
            .foldStep, .switchBefore, .switchAfter, .keysAdding, .keysAdded, .keysPartMerged, .keysMerging, .keysMerged,
            .keysPartDeleted:
            []
        }
    }
}
