// Refused triggers within a bound: one record a second per reason and client, the rest counted.

import Events
import Records
import Testing

@testable import Services

@Suite struct RefusedTriggersTests {
    private func refused(_ reason: EventPanicRefusalReason = .issuer) -> EventPanicRefused {
        var refused = EventPanicRefused()
        refused.reason = reason
        return refused
    }

    private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000 + milliseconds) }

    @Test func oneASecondIsAdmittedAndTheRestCounted() throws {
        var gate = RefusedTriggers()
        let admitted = (0..<3_000).filter { gate.admits(refused(), client: "a", sample: [1], at: at(Int64($0))) }
        #expect(admitted == [0])
        let first = try gate.summaries(all: false, producer: "p", at: at(3_000))
        #expect(first.count == 1)
        let event = try EventRecord.event(.messageRefused, body: first[0].body.bytes)
        guard case .messageRefused(let message) = event else { throw MessageError("kind", "\(event)") }
        #expect(message.count == 2_999 && message.reason == "issuer" && message.client == "a")
        #expect(try gate.summaries(all: true, producer: "p", at: at(3_001)).isEmpty)
    }

    @Test func reasonsAndClientsAreApart() {
        var gate = RefusedTriggers()
        #expect(gate.admits(refused(), client: "a", sample: [], at: at(0)))
        #expect(gate.admits(refused(.tooOld), client: "a", sample: [], at: at(0)))
        #expect(gate.admits(refused(), client: "b", sample: [], at: at(0)))
        #expect(!gate.admits(refused(), client: "a", sample: [], at: at(999)))
    }

    @Test func afterAQuietSecondTheNextIsAdmittedAgain() {
        var gate = RefusedTriggers()
        #expect(gate.admits(refused(), client: "a", sample: [], at: at(0)))
        #expect(gate.admits(refused(), client: "a", sample: [], at: at(1_000)))
        // A wall clock that went back is no reason to be silent.
        #expect(gate.admits(refused(), client: "a", sample: [], at: at(-10_000)))
    }

    @Test func sourcesAreBounded() {
        var gate = RefusedTriggers()
        for number in 0..<Limits.refusalSourcesMax {
            #expect(gate.admits(refused(), client: "c\(number)", sample: [], at: at(0)))
        }
        #expect(!gate.admits(refused(), client: "one more", sample: [], at: at(0)))
    }
}
