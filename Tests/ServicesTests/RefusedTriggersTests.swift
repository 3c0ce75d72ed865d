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

    private func expect(
        _ wanted: Bool, _ gate: inout RefusedTriggers, _ reason: EventPanicRefusalReason, _ client: String,
        _ milliseconds: Int64, location: SourceLocation = #_sourceLocation
    ) {
        let isAdmitted = gate.admits(refused(reason), client: client, sample: [], at: at(milliseconds))
        #expect(isAdmitted == wanted, sourceLocation: location)
    }

    private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000 + milliseconds) }

    @Test func oneASecondIsAdmittedAndTheRestCounted() throws {
        var gate = RefusedTriggers()
        let admitted = (0..<3_000).filter { gate.admits(refused(), client: "a", sample: [1], at: at(Int64($0))) }
        #expect(admitted == [0])
        let first = try gate.summaries(all: false, producer: "p", at: at(3_000))
        let second = try gate.summaries(all: true, producer: "p", at: at(3_001))
        #expect(first.count == 1)
        let event = try EventRecord.event(.messageRefused, body: first[0].body.bytes)
        guard case .messageRefused(let message) = event else { throw MessageError("kind", "\(event)") }
        #expect(message.count == 2_999 && message.reason == "issuer" && message.client == "a")
        #expect(second.isEmpty)
    }

    @Test func reasonsAndClientsAreApart() {
        var gate = RefusedTriggers()
        expect(true, &gate, .issuer, "a", 0)
        expect(true, &gate, .tooOld, "a", 0)
        expect(true, &gate, .issuer, "b", 0)
        expect(false, &gate, .issuer, "a", 999)
    }

    @Test func afterAQuietSecondTheNextIsAdmittedAgain() {
        var gate = RefusedTriggers()
        expect(true, &gate, .issuer, "a", 0)
        expect(true, &gate, .issuer, "a", 1_000)
        // A wall clock that went back is no reason to be silent.
        expect(true, &gate, .issuer, "a", -10_000)
    }

    @Test func sourcesAreBounded() {
        var gate = RefusedTriggers()
        for number in 0..<Limits.refusalSourcesMax {
            expect(true, &gate, .issuer, "c\(number)", 0)
        }
        expect(false, &gate, .issuer, "one more", 0)
    }
}
