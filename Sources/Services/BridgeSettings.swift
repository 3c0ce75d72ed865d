// Which streams the bridge carries, and in which direction: each has one owner, so that no entry can come back to where
// it came from.

internal import Events
package import Records

/// What the bridge is to do.
package struct BridgePlan: Equatable, Sendable {
    /// A stream of Redis whose entries become the log's.
    package struct Import: Equatable, Sendable {
        package let redis: String
        package let stream: StreamName

        package init(redis: String, stream: StreamName) {
            self.redis = redis
            self.stream = stream
        }
    }
    /// A stream of the log that Redis gets, with the same ids.
    package struct Export: Equatable, Sendable {
        package let stream: StreamName
        package let redis: String
    }

    /// Stands in the keys of what is imported (`import/<name>/…`), so it is never given to another Redis.
    package let name: String
    package let imports: [Import]
    package let exports: [Export]

    /// Ours, on each imported stream in Redis, and on each exported one in the log.
    package var group: String { "backstop:\(name)" }
    /// The key in Redis that says whose copy this is, and that it is all there.
    package var sentinel: String { "backstop:bridge:\(name)" }
    /// The hash in Redis that has the log's head.
    package var headKey: String { "backstop:head:\(name)" }

    package init(name: String, imports: [Import], exports: [Export]) {
        self.name = name
        self.imports = imports
        self.exports = exports
    }
}

extension Settings {
    package var bridge: BridgePlan {
        get throws(SettingError) {
            let name = text("bridge.name")
            let allowed = name.utf8.allSatisfy {
                (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x5f
            }
            guard allowed, 1...Limits.bridgeNameBytesMax ~= name.utf8.count else {
                throw SettingError("bridge.name", "a to z, 0 to 9, - and _ are allowed, found \"\(name)\"")
            }
            let plan = BridgePlan(
                name: name,
                imports: try pairs("bridge.import").map { BridgePlan.Import(redis: $0.given, stream: $0.log) },
                exports: try pairs("bridge.export").map { pair in
                    BridgePlan.Export(stream: pair.log, redis: pair.other ?? pair.log.text)
                })
            try check(plan)
            return plan
        }
    }

    private struct Pair {
        let given: String
        let other: String?
        let log: StreamName
    }

    /// `NAME` or `NAME=OTHER`: an import names Redis' stream first, an export the log's.
    private func pairs(_ setting: String) throws(SettingError) -> [Pair] {
        var found: [Pair] = []
        for part in text(setting).split(separator: ",") {
            let names = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.trimmingSpaces }
            let log = setting == "bridge.import" ? names.last ?? "" : names[0]
            do {
                try BoundError.check(names[0], "stream", max: Limits.streamNameBytesMax)
                if let other = names.dropFirst().first {
                    try BoundError.check(other, "stream", max: Limits.streamNameBytesMax)
                }
                let stream = try StreamCatalogue.resolve(log)
                found.append(Pair(given: names[0], other: names.dropFirst().first, log: stream))
            } catch { throw SettingError(setting, "\(part): \(error)") }
        }
        guard found.count <= Limits.bridgeStreamsMax else {
            throw SettingError(setting, "\(found.count) streams, at most \(Limits.bridgeStreamsMax) are allowed")
        }
        return found
    }

    private func check(_ plan: BridgePlan) throws(SettingError) {
        var inRedis: Set<String> = []
        for name in plan.imports.map(\.redis) + plan.exports.map(\.redis) {
            guard inRedis.insert(name).inserted else {
                throw SettingError("bridge.export", "Redis' stream \(name) is named twice: each stream has one owner")
            }
        }
        let imported = Set(plan.imports.map(\.stream))
        var exported: Set<StreamName> = []
        for export in plan.exports {
            guard !imported.contains(export.stream) else {
                throw SettingError(
                    "bridge.export", "\(export.stream) is imported, too: each stream has one owner, redis or backstop")
            }
            guard exported.insert(export.stream).inserted else {
                throw SettingError("bridge.export", "\(export.stream) is named twice")
            }
        }
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
