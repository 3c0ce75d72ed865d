// What a watchdog judged by, beside the log: its clock and its thresholds, kept with the trigger for the audit.

package import Events
internal import Exchange
internal import Records

extension Watching {
    /// `about` is the trigger's, and known only once it is appended.
    package static func evidence(_ clock: WatchClock, _ policy: WatchPolicy) -> EventEvidence {
        var evidence = EventEvidence()
        evidence.rule = rule
        evidence.startedAtMs = Int64(clock.startedAt.nanoseconds / 1_000_000)
        evidence.part = 1
        evidence.said = JSONText.render(
            .array([
                .members([
                    ("now_ns", .whole(clock.now.nanoseconds)), ("boot_id", .text(clock.bootID)),
                    ("watching_since_ns", .whole(clock.startedAt.nanoseconds)),
                    ("missing_max_ms", .whole(policy.missingMax)), ("unguarded_max_ms", .whole(policy.unguardedMax)),
                    ("degraded_max_ms", .whole(policy.degradedMax)), ("stagnant_max_ms", .whole(policy.stagnantMax)),
                    ("first_heartbeat_max_ms", .whole(policy.firstHeartbeatMax)),
                ])
            ]))
        return evidence
    }

    /// Read again. Throws where it is not what `evidence` makes.
    static func judgedBy(_ evidence: EventEvidence) throws(MessageError) -> (clock: WatchClock, policy: WatchPolicy) {
        let said: JSONValue
        do throws(JSONError) { said = try JSONText.read(evidence.said) } catch {
            throw MessageError("said", "\(error)")
        }
        guard let only = try AnswerFields.rows(said).first else { throw MessageError("said", "is empty") }
        let fields = try AnswerFields(only)
        func count(_ name: String) throws(MessageError) -> UInt64 { UInt64(try fields.whole(name, 0...Int64.max)) }
        // The rules count in nanoseconds: of more milliseconds there would be no such number.
        func threshold(_ name: String) throws(MessageError) -> UInt64 {
            UInt64(try fields.whole(name, 0...Limits.idleMillisecondsMax))
        }
        let clock = WatchClock(
            now: BootInstant(nanoseconds: try count("now_ns")), bootID: try fields.kept("boot_id"),
            startedAt: BootInstant(nanoseconds: try count("watching_since_ns")))
        var policy = WatchPolicy()
        policy.missingMax = try threshold("missing_max_ms")
        policy.unguardedMax = try threshold("unguarded_max_ms")
        policy.degradedMax = try threshold("degraded_max_ms")
        policy.stagnantMax = try threshold("stagnant_max_ms")
        policy.firstHeartbeatMax = try threshold("first_heartbeat_max_ms")
        return (clock, policy)
    }
}
