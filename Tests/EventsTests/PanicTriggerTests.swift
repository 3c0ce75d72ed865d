// Panic triggers: two forms, four issuers, one look at the age; nothing that came is ever dropped.

import Records
import Testing

@testable import Events

struct PanicTriggerTests {
    static let formA = [
        ("event_id", "550e8400-e29b-41d4-a716-446655440000"), ("reason", "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)"),
        ("severity", "CRITICAL"), ("issued_by", "watchdog"), ("ts", "1763818338282"),
    ]
    static let formB = [("source", "ops"), ("reason", "by hand"), ("timestamp", "1763818338.28")]

    @Test func bothFormsAreAccepted() throws {
        guard
            case .panicRequested(let a) = try SampleEvent.event(try SampleEvent.draft("system:panic_close", Self.formA)),
            case .panicRequested(let b) = try SampleEvent.event(
                try SampleEvent.draft("quantum:stream:system.panic_close", Self.formB))
        else { return #expect(Bool(false)) }
        #expect(a.eventID == Self.formA[0].1 && a.issuer == "watchdog" && a.severity == "CRITICAL")
        #expect(b.eventID == "" && b.issuer == "ops" && b.producedAtNs == 1_763_818_338_280_000_000)
    }

    static func changed(_ name: String, _ value: String?) -> [(String, String)] {
        formA.filter { $0.0 != name } + (value.map { [(name, $0)] } ?? [])
    }

    static let refused: [([(String, String)], EventPanicRefusalReason)] = [
        (changed("issued_by", "router"), .issuer), (changed("issued_by", "OPS"), .issuer),
        (changed("issued_by", nil), .issuer),
        (changed("reason", nil), .noReason), (changed("reason", ""), .noReason), (changed("ts", nil), .noTime),
        (changed("ts", "soon"), .unreadable), (formA + [("ts", "1763818338282")], .unreadable),
        (changed("reason", String(repeating: "r", count: 513)), .unreadable), ([("payload", "{")], .unreadable),
    ]

    @Test(arguments: refused)
    func whatIsNotAcceptedIsOnRecord(_ fields: [(String, String)], _ reason: EventPanicRefusalReason) throws {
        let draft = try SampleEvent.draft("system:panic_close", fields)
        guard case .panicRefused(let refused) = try SampleEvent.event(draft) else { return #expect(Bool(false)) }
        #expect(refused.reason == reason && !refused.detail.isEmpty && draft.stream == StreamCatalogue.panics)
    }

    @Test(
        arguments: [
            (-5_000, nil), (-5_001, .fromTheFuture), (0, nil), (60_000, nil), (60_001, .tooOld),
        ] as [(Int64, EventPanicRefusalReason?)])
    func theAgeMustLieWithinItsBounds(_ ageMilliseconds: Int64, _ reason: EventPanicRefusalReason?) throws {
        let now = Timestamp(milliseconds: 1_763_818_338_282 + ageMilliseconds)
        switch PanicTrigger.read(FieldMap(Self.formA), recordedAt: now) {
        case .accepted: #expect(reason == nil)
        case .refused(let refused): #expect(refused.reason == reason)
        }
    }
}
