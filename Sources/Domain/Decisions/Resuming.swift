// May trading be resumed after a halt? Everything that speaks against it is named at once, so that an operator learns it
// in one try. What must not be added: a resume by itself, without an operator and a reason.

internal import Events
package import Records

/// What the exchange shows now.
package struct FlatLook: Hashable, Sendable {
    /// As `BTCUSDT 0.1`; empty: flat.
    package var open: [String]
    /// Resting and conditional orders, as `BTCUSDT 3`.
    package var resting: [String]

    package init(open: [String], resting: [String]) {
        self.open = open
        self.resting = resting
    }

    package var isFlat: Bool { open.isEmpty && resting.isEmpty }
}

package struct ResumeRequest: Hashable, Sendable {
    package var `operator`: String
    package var reason: String
    package var overridesCooldown = false
    package var acceptsOpenRisk = false
    /// Nil: nobody looked.
    package var look: FlatLook?
    /// Positions that are open by both of the log's ledgers, as `BTCUSDT 0.1`.
    package var held: [String] = []
    /// Since the last completed exit; nil: there was none, or it was in another boot and long ago by the wall clock.
    package var millisecondsSinceCompletion: Int64?

    package init(`operator`: String, reason: String) {
        self.operator = `operator`
        self.reason = reason
    }
}

package struct ResumePolicy: Hashable, Sendable {
    package var cooldownMilliseconds: Int64 = 300_000
    package var requiresFlat = true
    package init() {}
}

package enum Resuming {
    package enum Decision: Hashable, Sendable {
        case notHalted
        /// Each with what to do.
        case refused([String])
        case resume(SequenceNumber)
    }

    /// - Returns: the record that the resume ends: the last panic, or the halt where there was none.
    package static func decide(_ request: ResumeRequest, _ state: TradingState, _ policy: ResumePolicy) -> Decision {
        guard let halt = state.halt else { return .notHalted }
        var missing: [String] = []
        if let open = state.panics.open.first {
            missing.append(
                "panic \(open.sequence) (\(open.reason)) has no completion yet: it is carried out by backstop serve --roles exit"
            )
        }
        if let objection = cooling(request, policy) { missing.append(objection) }
        if let objection = risk(request, policy) { missing.append(objection) }
        guard missing.isEmpty else { return .refused(missing) }
        return .resume(halt.panic.isNone ? halt.sequence : halt.panic)
    }

    private static func cooling(_ request: ResumeRequest, _ policy: ResumePolicy) -> String? {
        guard !request.overridesCooldown, let age = request.millisecondsSinceCompletion else { return nil }
        let left = policy.cooldownMilliseconds - age
        guard left > 0 else { return nil }
        return "the exit was completed \(age / 1_000) s ago: wait \(left / 1_000 + 1) s, or --override-cooldown"
    }

    private static func risk(_ request: ResumeRequest, _ policy: ResumePolicy) -> String? {
        if request.acceptsOpenRisk || !policy.requiresFlat { return nil }
        guard let look = request.look else {
            return "nobody has looked whether all is flat: --exchange URL, or --accept-open-risk"
        }
        if look.isFlat, request.held.isEmpty { return nil }
        if look.isFlat {
            return
                "the exchange shows nothing, but by both of the log's ledgers \(request.held.joined(separator: ", ")) is open: is it the right exchange and account? Start execution, which asks it, or --accept-open-risk"
        }
        let open = look.open.isEmpty ? [] : ["open: \(look.open.joined(separator: ", "))"]
        let resting = look.resting.isEmpty ? [] : ["resting orders: \(look.resting.joined(separator: ", "))"]
        return "not flat, \((open + resting).joined(separator: "; ")): backstop panic closes it, or --accept-open-risk"
    }
}
