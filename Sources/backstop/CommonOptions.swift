// Options that several verbs share, and how a log is opened from them.

import ArgumentParser
import EventLog
import Events
import Foundation
import Records
import Services

struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The log's folder (or BACKSTOP_LOG).", valueName: "dir"))
    var log: String?

    @Option(name: .long, help: ArgumentHelp("Settings file; ./backstop.yaml where it is there.", valueName: "file"))
    var settings: String?

    @Option(
        name: .long,
        help: ArgumentHelp("A set of settings: seeds, for test documents (no cooldown).", valueName: "name"))
    var profile: String?

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "One setting, for example router.confidence_min=0.5; may be repeated.", valueName: "name=value"))
    var set: [String] = []

    @Flag(name: .long, help: "One JSON object a line, for machines.")
    var json = false

    /// The same options for a child of ours.
    var again: [String] {
        var words =
            ["--log", path] + (settings.map { ["--settings", $0] } ?? []) + (profile.map { ["--profile", $0] } ?? [])
        for one in set { words += ["--set", one] }
        return words
    }

    var path: String {
        log ?? ProcessInfo.processInfo.environment["BACKSTOP_LOG"] ?? "./backstop-log"
    }

    func loadSettings() throws -> Settings {
        var options: [String: String] = [:]
        for pair in set {
            guard let equals = pair.firstIndex(of: "=") else { throw CannotRun("--set \(pair): name=value is needed") }
            options[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        return try Settings(
            profile: try settingsProfile(), file: try settingsText(), environment: ProcessInfo.processInfo.environment,
            options: options)
    }

    /// Of this log's exit worker.
    func exitSocketPath() throws -> String {
        try ExitSocket.path(
            try loadSettings(), logFolder: path, environment: ProcessInfo.processInfo.environment)
    }

    private func settingsProfile() throws -> SettingsProfile? {
        guard let profile else { return nil }
        guard let known = SettingsProfile(rawValue: profile) else {
            let names = SettingsProfile.allCases.map(\.rawValue).joined(separator: ", ")
            throw CannotRun("--profile \(profile): there is no such profile; there are: \(names)")
        }
        return known
    }

    private func settingsText() throws -> String? {
        let path = settings ?? "backstop.yaml"
        if settings == nil, !FileManager.default.fileExists(atPath: path) { return nil }
        do { return try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw CannotRun("\(path): cannot be read: \(error.localizedDescription)")
        }
    }

    func logOptions() throws -> LogOptions {
        let settings = try loadSettings()
        return LogOptions(
            bytesMax: try settings.logBytesMax, reserveBytes: try settings.logReserveBytes, clock: .system,
            version: Backstop.version, indexing: CommonOptions.showIndexing)
    }

    func open(_ mode: AccessMode) throws -> EventLog {
        defer { Output.endProgress() }
        return try EventLog(at: path, mode: mode, rules: EventRules.rules, options: try logOptions())
    }

    /// A log whose key index is missing, or was made by the version before, is read through once.
    private static func showIndexing(_ done: SequenceNumber, _ all: SequenceNumber) {
        guard all.rawValue > UInt64(Limits.keysInMemoryMax) else { return }
        Output.progress("the key index is built: \(grouped(done.rawValue)) of \(grouped(all.rawValue)) records")
    }

    /// Makes the log where there is none; another process may be quicker.
    func makeLogIfMissing() throws {
        guard !FileManager.default.fileExists(atPath: path + "/FORMAT") else { return }
        do { _ = try EventLog.create(at: path, options: try logOptions()) } catch LogError.alreadyThere { return }
    }

    /// Opens, runs and closes.
    func withLog<R>(_ mode: AccessMode, _ body: (EventLog) throws -> R) throws -> R {
        let log = try open(mode)
        defer { log.close() }
        return try body(log)
    }
}
