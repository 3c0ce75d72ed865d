// Guards as pure state: holders, and what happens beyond their bound.

import Testing

import Records

@Suite struct GuardStateTests {
    private func raise(_ holder: String) -> [GuardOperation] { [.raise("g", holder: holder)] }

    @Test func aGuardIsRaisedWhileItHasAHolder() {
        var state = GuardState()
        _ = state.apply(raise("a"), at: SequenceNumber(1))
        _ = state.apply(raise("b"), at: SequenceNumber(2))
        _ = state.apply(raise("a"), at: SequenceNumber(3))
        _ = state.apply([.lower("g", holder: "a")], at: SequenceNumber(4))
        #expect(state.first("g") == GuardHolder(holder: "b", sequence: SequenceNumber(2)))
        _ = state.apply([.lower("g", holder: "b")], at: SequenceNumber(5))
        #expect(state == GuardState())
    }

    @Test func aRaiseIsNeverRefusedAndBeyondTheBoundOnlyAnOperatorLowersIt() {
        var state = GuardState()
        for number in 0..<Limits.guardHoldersMax + 10 {
            #expect(state.refusal(raise("h\(number)")) == nil)
            _ = state.apply(raise("h\(number)"), at: SequenceNumber(UInt64(number)))
        }
        #expect(state.holders["g"]?.count == Limits.guardHoldersMax + 1)
        for number in 0..<Limits.guardHoldersMax + 10 {
            _ = state.apply([.lower("g", holder: "h\(number)")], at: SequenceNumber(1_000))
        }
        #expect(state.refusal([.requireLowered("g")]) != nil)
        _ = state.apply([.lower("g", holder: nil)], at: SequenceNumber(1_001))
        #expect(state.refusal([.requireLowered("g")]) == nil)
    }
}
