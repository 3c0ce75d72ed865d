// Every programme, in the order in which tools/soak runs them; and the children that they start.

package enum AllProgrammes {
    package static let all: [any Programme.Type] = [
        PowerLoss.self, NthCall.self, Rot.self, DamageProgramme.self, KillProgramme.self, FairnessProgramme.self,
        Differential.self,
        RespDifferential.self, AbuseProgramme.self, Contention.self, SimulationProgramme.self, WatchdogProgramme.self,
        RaceProgramme.self, BridgeProgramme.self, RebuildProgramme.self, KeysProgramme.self,
        ManyKeys.self,
    ]

    /// Roles that `log-soak child NAME ARGUMENTS…` can play: a workload under a shim, a checker that may crash.
    package static let children: [String: @Sendable ([String]) throws -> Void] = [
        "log-workload": LogWorkload.child, "log-check": LogCheck.child, "rot-build": RotLog.child,
        "rot-check": RotCheck.child,
        "rebuild-traffic": { try RebuildChildren.traffic($0) },
        "rebuild-forge": { try RebuildChildren.forge($0) },
        "keys-append": KeysAppender.child,
        "kill-append": { try KillAppender.run($0) },
        "kill-consume": { try KillConsumer.run($0) },
        "kill-drain": { try KillDrain.run($0) },
        "fairness-import": { try FairnessChildren.endlessImport($0) },
        "fairness-lone": { try FairnessChildren.lone($0) },
        "fairness-one": { try FairnessChildren.one($0) },
        "fairness-hold": { try FairnessChildren.hold($0) },
    ]
}
