// Every programme, in the order in which tools/soak runs them; and the children that they start.

package enum AllProgrammes {
    package static let all: [any Programme.Type] = [PowerLoss.self, NthCall.self, Rot.self]

    /// Roles that `log-soak child NAME ARGUMENTS…` can play: a workload under a shim, a checker that may crash.
    package static let children: [String: @Sendable ([String]) throws -> Void] = [
        "log-workload": LogWorkload.child, "log-check": LogCheck.child, "rot-build": RotLog.child,
        "rot-check": RotCheck.child,
    ]
}
