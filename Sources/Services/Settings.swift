// Every setting that a user can give, in one table: name, unit, default, meaning. Options beat environment,
// environment beats backstop.yaml, the file beats the default. A name that is not in the table is an error.

internal import Events
internal import Yams

package struct SettingDefinition: Sendable {
    package let name: String
    package let unit: String
    package let fallback: String
    package let meaning: String
    /// Decisions use it: it is recorded in `config.applied`.
    package let isDecisive: Bool

    /// `router.confidence_min` → `BACKSTOP_ROUTER_CONFIDENCE_MIN`.
    package var environmentName: String {
        "BACKSTOP_" + name.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }

    package static let all: [SettingDefinition] = [
        SettingDefinition(
            name: "bridge.export", unit: "STREAM[=REDIS],…",
            fallback: "quantum:stream:execution.result,system:panic_close:completed",
            meaning:
                "streams of the log that Redis gets, with the same ids; quantum:stream:trade.intent only where nothing here executes",
            isDecisive: false),
        SettingDefinition(
            name: "bridge.import", unit: "REDIS[=STREAM],…",
            fallback:
                "system:panic_close,quantum:stream:system.panic_close,exit_brain:heartbeat,quantum:stream:exit_brain.heartbeat,quantum:stream:ai.decision.made",
            meaning: "streams of Redis whose entries the log gets, the most urgent first", isDecisive: false),
        SettingDefinition(
            name: "bridge.name", unit: "name", fallback: "redis",
            meaning: "names that Redis in keys and groups; never given to another one", isDecisive: false),
        SettingDefinition(
            name: "execution.account", unit: "name", fallback: "main",
            meaning: "the account's name in records and keys", isDecisive: true),
        SettingDefinition(
            name: "execution.horizon_margin_ms", unit: "ms", fallback: "10000",
            meaning:
                "beyond recvWindow, until an order that nobody shows is called not found; 10000 at least, but on loopback",
            isDecisive: true),
        SettingDefinition(
            name: "execution.in_flight_max", unit: "intents", fallback: "16",
            meaning: "intents under way at once", isDecisive: false),
        SettingDefinition(
            name: "execution.intent_age_max_s", unit: "s", fallback: "300",
            meaning: "opening intents that are older are refused", isDecisive: true),
        SettingDefinition(
            name: "execution.leverage_max", unit: "1…125", fallback: "20",
            meaning: "intents that ask for more are refused", isDecisive: true),
        SettingDefinition(
            name: "execution.order_usd_max", unit: "USD", fallback: "",
            meaning: "larger opening orders are refused; empty: no limit", isDecisive: true),
        SettingDefinition(
            name: "execution.order_wait_ms", unit: "ms", fallback: "5000",
            meaning: "an order that is not filled by then has its rest cancelled", isDecisive: true),
        SettingDefinition(
            name: "execution.orders_per_minute_max", unit: "orders", fallback: "",
            meaning: "opening orders beyond it are refused; empty: no limit", isDecisive: true),
        SettingDefinition(
            name: "execution.pair_exposure_max_ms", unit: "ms", fallback: "10000",
            meaning: "a pair's first leg that stood alone for longer is closed, not hedged", isDecisive: true),
        SettingDefinition(
            name: "execution.position_usd_max", unit: "USD", fallback: "",
            meaning: "opening orders beyond such a position are refused; empty: no limit", isDecisive: true),
        SettingDefinition(
            name: "execution.severe_partial", unit: "close/leave", fallback: "close",
            meaning: "what becomes of a pair's first leg that was filled by less than half", isDecisive: true),
        SettingDefinition(
            name: "exit.socket", unit: "path", fallback: "",
            meaning: "the exit worker's local socket; empty: exit.sock in $RUNTIME_DIRECTORY, else in the log's folder",
            isDecisive: false),
        SettingDefinition(
            name: "feeds.interval_ms", unit: "ms", fallback: "5000",
            meaning: "between two looks at positions, and at trades of symbols in use", isDecisive: false),
        SettingDefinition(
            name: "feeds.stream", unit: "true/false", fallback: "true",
            meaning: "listen to the user stream beside REST", isDecisive: false),
        SettingDefinition(
            name: "feeds.stream_loss_max_ms", unit: "ms", fallback: "30000",
            meaning: "a user stream that is away for longer lets only reducing orders out", isDecisive: true),
        SettingDefinition(
            name: "log.reserve_bytes", unit: "bytes", fallback: "67108864",
            meaning: "real blocks kept back for emergencies when the disk is full; 0 for none", isDecisive: false),
        SettingDefinition(
            name: "log.size_max_bytes", unit: "bytes", fallback: "0",
            meaning: "the log's own maximum; 0: bounded by its disk alone", isDecisive: false),
        SettingDefinition(
            name: "redis.exact", unit: "true/false", fallback: "false",
            meaning: "over --resp, Redis' lag (with its blind spots) and its DELCONSUMER (which drops what is pending)",
            isDecisive: false),
        SettingDefinition(
            name: "resp.users", unit: "path", fallback: "",
            meaning: "a file of mode 0600: a user of --resp a line, NAME SHA256-OF-THE-PASSWORD ROLE…; empty: no users",
            isDecisive: false),
        SettingDefinition(
            name: "resume.cooldown_s", unit: "s", fallback: "300",
            meaning: "after a completed exit a halt is not ended sooner without --override-cooldown",
            isDecisive: true),
        SettingDefinition(
            name: "resume.require_flat", unit: "true/false", fallback: "true",
            meaning: "a halt is ended only after a look that shows all flat, or with --accept-open-risk",
            isDecisive: true),
        SettingDefinition(
            name: "router.confidence_min", unit: "0…1", fallback: "0.35",
            meaning: "opening decisions below it are refused", isDecisive: true),
        SettingDefinition(
            name: "router.confidence_required", unit: "true/false", fallback: "false",
            meaning: "refuse opening decisions that state no confidence", isDecisive: true),
        SettingDefinition(
            name: "sizing.default_usd", unit: "USD", fallback: "100",
            meaning: "size of a decision that states none; empty: such a decision is refused", isDecisive: true),
        SettingDefinition(
            name: "sizing.usd_by_symbol", unit: "SYMBOL=USD,…", fallback: "",
            meaning: "sizes that beat sizing.default_usd", isDecisive: true),
        SettingDefinition(
            name: "audit.digest_records", unit: "records", fallback: "100000",
            meaning: "digests of the folds are recorded at every multiple of it; 0: never", isDecisive: false),
        SettingDefinition(
            name: "views.checkpoint_records", unit: "records", fallback: "10000",
            meaning: "projections are saved after so many records, or a second of quiet", isDecisive: false),
        SettingDefinition(
            name: "watchdog.degraded_max_ms", unit: "ms", fallback: "5000",
            meaning: "a heart that says DEGRADED for longer fires; may only be lowered", isDecisive: true),
        SettingDefinition(
            name: "watchdog.first_heartbeat_max_ms", unit: "ms", fallback: "30000",
            meaning:
                "without any heartbeat since the watchdog's start, or since a resume, fires so late; with open positions after watchdog.unguarded_max_ms",
            isDecisive: true),
        SettingDefinition(
            name: "watchdog.missing_max_ms", unit: "ms", fallback: "5000",
            meaning: "a heart that is silent for longer fires; may only be lowered", isDecisive: true),
        SettingDefinition(
            name: "watchdog.stagnant_max_ms", unit: "ms", fallback: "30000",
            meaning: "positions are open and no decision is made for longer: fires; may only be lowered",
            isDecisive: true),
        SettingDefinition(
            name: "watchdog.unguarded_max_ms", unit: "ms", fallback: "3000",
            meaning: "a heart that is silent for longer while positions are open fires; may only be lowered",
            isDecisive: true),
    ]
}

/// Sets of settings under one name; what is set otherwise beats them.
package enum SettingsProfile: String, CaseIterable, Sendable {
    /// For the tests of the documents that Backstop was asked for with.
    case seeds

    package var settings: [String: String] {
        switch self {
        case .seeds: ["resume.cooldown_s": "0"]
        }
    }
}

package enum SettingSource: String, Sendable {
    case fallback = "default"
    case profile, file, environment, option
}

/// A setting cannot be read; nothing was started.
package struct SettingError: Error, Equatable, CustomStringConvertible {
    package let name: String
    package let problem: String
    package var description: String { "setting \(name): \(problem)" }
    package init(_ name: String, _ problem: String) {
        self.name = name
        self.problem = problem
    }
}

/// All settings, each with its value and where it came from.
package struct Settings: Sendable {
    package struct Value: Sendable {
        package let definition: SettingDefinition
        package var text: String
        package var source: SettingSource
    }
    package private(set) var values: [Value]

    /// - Parameters:
    ///   - file: the text of backstop.yaml; nil where there is none.
    ///   - options: name → text, from the command line.
    package init(
        profile: SettingsProfile? = nil, file: String?, environment: [String: String], options: [String: String]
    ) throws(SettingError) {
        values = SettingDefinition.all.map { Value(definition: $0, text: $0.fallback, source: .fallback) }
        for (name, text) in profile?.settings.sorted(by: { $0.key < $1.key }) ?? [] { try set(name, text, .profile) }
        if let file {
            for (name, text) in try SettingsFile.read(file) { try set(name, text, .file) }
        }
        for place in values.indices {
            let name = values[place].definition.environmentName
            if let text = environment[name] { (values[place].text, values[place].source) = (text, .environment) }
        }
        for name in options.keys.sorted() { try set(name, options[name] ?? "", .option) }
        _ = try routing(configSequence: 0)
        _ = try execution(configSequence: 0)
        _ = try executionInFlightMax
        _ = try feeds
        _ = try resume
        _ = try watch
        _ = try logBytesMax
        _ = try logReserveBytes
        _ = try checkpointRecords
        _ = try digestRecords
        _ = try bridge
    }

    private mutating func set(_ name: String, _ text: String, _ source: SettingSource) throws(SettingError) {
        guard let place = values.firstIndex(where: { $0.definition.name == name }) else {
            let known = SettingDefinition.all.map(\.name).joined(separator: ", ")
            throw SettingError(name, "no such setting; there are: \(known)")
        }
        (values[place].text, values[place].source) = (text, source)
    }

    func text(_ name: String) -> String {
        guard let value = values.first(where: { $0.definition.name == name }) else {
            preconditionFailure("\(name) is not in the table of settings")
        }
        return value.text
    }

    // MARK: Typed values

    package var logBytesMax: Int {
        get throws(SettingError) {
            let bytes = try integer("log.size_max_bytes")
            return bytes == 0 ? .max : bytes
        }
    }
    package var logReserveBytes: Int {
        get throws(SettingError) { try integer("log.reserve_bytes") }
    }
    /// 0: never.
    package var digestRecords: Int {
        get throws(SettingError) { try integer("audit.digest_records") }
    }
    package var checkpointRecords: Int {
        get throws(SettingError) { max(1, try integer("views.checkpoint_records")) }
    }

    func integer(_ name: String) throws(SettingError) -> Int {
        guard let value = Int(text(name)), value >= 0, value <= 1 << 50 else {
            throw SettingError(name, "a whole number from 0 to 2^50 is needed, found \"\(text(name))\"")
        }
        return value
    }

    func flag(_ name: String) throws(SettingError) -> Bool {
        switch text(name).lowercased() {
        case "true": return true
        case "false": return false
        default: throw SettingError(name, "true or false is needed, found \"\(text(name))\"")
        }
    }

    func decimal(_ name: String, _ text: String) throws(SettingError) -> ExactDecimal {
        do { return try ExactDecimal(text) } catch {
            throw SettingError(name, "a number is needed, found \"\(text)\"")
        }
    }
}

/// backstop.yaml: sections of scalars; numbers keep their text.
enum SettingsFile {
    static func read(_ text: String) throws(SettingError) -> [(String, String)] {
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch { throw SettingError("backstop.yaml", "\(error)") }
        guard let root else { return [] }
        var found: [(String, String)] = []
        try flatten(root, [], &found)
        return found
    }

    private static func flatten(
        _ node: Node, _ path: [String], _ found: inout [(String, String)]
    ) throws(SettingError) {
        let name = path.joined(separator: ".")
        switch node {
        case .scalar(let scalar):
            guard !path.isEmpty else { throw SettingError("backstop.yaml", "sections are needed, as `router:`") }
            found.append((name, scalar.string == "null" || scalar.string == "~" ? "" : scalar.string))
        case .mapping(let mapping) where name == "sizing.usd_by_symbol":
            let pairs = mapping.map { "\($0.key.string ?? "")=\($0.value.string ?? "")" }
            found.append((name, pairs.joined(separator: ",")))
        case .mapping(let mapping):
            for (key, value) in mapping { try flatten(value, path + [key.string ?? ""], &found) }
        case .sequence, .alias:
            throw SettingError(name, "a single value is needed")
        }
    }
}
