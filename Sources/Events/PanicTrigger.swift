// Reads a panic trigger in form A (event_id, issued_by, ts) or form B (source, timestamp), and judges it
// once: issuer, reason, time, age. What is not accepted becomes a refusal with its reason, on record; a
// trigger is never dropped, and an accepted one never expires. Must not depend on anything but its input.

package import Records

package enum PanicTrigger: Sendable, Equatable {
    case accepted(EventPanicRequested)
    case refused(EventPanicRefused)

    package static let watchdogIssuer = "watchdog"
    package static let issuers = ["risk_kernel", "exit_brain", watchdogIssuer, "ops"]
    /// Recorded-at minus the trigger's own time must lie in −5 s … 60 s.
    package static let ageNanosecondsMin: Int64 = -5_000_000_000
    package static let ageNanosecondsMax: Int64 = 60_000_000_000

    package static func read(_ fields: FieldMap, recordedAt: Timestamp) -> PanicTrigger {
        var request = EventPanicRequested()
        do {
            var incoming = try Incoming(fields)
            // The issuer and the id first, so that a refusal names them where it can.
            request.issuer = try incoming.firstText(
                ["issued_by", "source"], of: .payload, max: Limits.producerBytesMax)
            request.eventID = try incoming.text("event_id", max: Limits.traceBytesMax)
            request.reason = try incoming.text("reason", max: Limits.reasonBytesMax)
            request.severity = try incoming.text("severity", max: Limits.producerBytesMax)
            request.producedAtNs = try incoming.time("ts", "timestamp")?.nanoseconds ?? 0
        } catch {
            return .refused(refusal(of: request, .unreadable, error.description))
        }
        guard let (reason, detail) = objection(to: request, recordedAt: recordedAt) else { return .accepted(request) }
        return .refused(refusal(of: request, reason, detail))
    }

    private static func objection(
        to request: EventPanicRequested, recordedAt: Timestamp
    ) -> (EventPanicRefusalReason, String)? {
        guard issuers.contains(request.issuer) else {
            let found = request.issuer.isEmpty ? "no issuer" : "issuer \(MessageError.quote(request.issuer))"
            return (.issuer, "\(found), expected \(Incoming.list(issuers))")
        }
        guard !request.reason.isEmpty else { return (.noReason, "the trigger has no reason") }
        guard request.producedAtNs > 0 else { return (.noTime, "the trigger has no time") }
        let (age, over) = recordedAt.nanoseconds.subtractingReportingOverflow(request.producedAtNs)
        let shown =
            "age \(over ? "beyond measure" : "\(age / 1_000_000) ms"), allowed are \(ageNanosecondsMin / 1_000_000) to \(ageNanosecondsMax / 1_000_000) ms"
        guard !over, age <= ageNanosecondsMax else { return (.tooOld, shown) }
        guard age >= ageNanosecondsMin else { return (.fromTheFuture, shown) }
        return nil
    }

    private static func refusal(
        of request: EventPanicRequested, _ reason: EventPanicRefusalReason, _ detail: String
    ) -> EventPanicRefused {
        var refused = EventPanicRefused()
        refused.reason = reason
        refused.detail = detail
        refused.eventID = request.eventID
        refused.issuer = request.issuer
        refused.producedAtNs = request.producedAtNs
        return refused
    }
}
