// One scene: somebody has the turn, imports and lone appends wait for theirs, then an emergency comes, then
// more lone appends. The emergency is slow to wake: only the gate keeps it first. When the turn is given back,
// the order of the records shows who went first. Nothing here depends on time: /proc/locks says who waits for
// which lock.

import Foundation
import Glibc

struct EmergencyScene {
    private static let importers = 2
    private static let early = 3
    private static let late = 3
    let problems: [String]

    init(_ log: BenchLog) throws {
        let places = try Places()
        let spinner = try log.child("fairness-spin", [], runner: places.busy)
        let imports = try (0..<EmergencyScene.importers).map { _ in
            try log.child("fairness-import", ["1"], runner: places.free)
        }
        for one in imports {
            try BenchLog.wait("the import begins") { one.output.hasPrefix("began\n") || !one.isRunning }
        }
        let holder = try log.child("fairness-hold", [], piped: .inputAndOutput)
        guard try holder.answers?.next() == "holding" else { throw Trouble("nobody holds the turn: \(holder.errors)") }
        let early = try (0..<EmergencyScene.early).map { _ in try log.child("fairness-one", ["ordinary"]) }
        try EmergencyScene.waitUntilQueued(imports + early, log, at: ["turn.next", "turn.now"])
        let emergency = try log.child("fairness-one", ["emergency"], runner: places.slowToWake)
        try EmergencyScene.waitUntilQueued([emergency], log, at: ["turn.next", "turn.now"])
        let late = try (0..<EmergencyScene.late).map { _ in try log.child("fairness-one", ["ordinary"]) }
        // At the gate; where it is open by mistake, further on, and then the records' order shows it.
        try EmergencyScene.waitUntilQueued(late, log, at: ["turn.emergency", "turn.next", "turn.now"])
        try holder.closeInput()
        guard let held = try holder.answers?.next().flatMap({ Int($0) }) else {
            throw Trouble("the holder said nothing")
        }
        _ = try holder.finish()
        let first = try EmergencyScene.sequence(of: emergency)
        let earlySequences = try early.map { try EmergencyScene.sequence(of: $0) }
        let lateSequences = try late.map { try EmergencyScene.sequence(of: $0) }
        for one in imports + [spinner] { _ = try one.killNow() }
        problems = EmergencyScene.judge(held, first, earlySequences, lateSequences)
    }

    /// Whoever queued before the gate was closed may go first, once; whoever came after it may not.
    private static func judge(_ held: Int, _ emergency: Int, _ early: [Int], _ late: [Int]) -> [String] {
        var problems: [String] = []
        let overtaken = late.filter { $0 < emergency }
        if !overtaken.isEmpty { problems.append("records \(overtaken) of those at the gate came before \(emergency)") }
        let earlyFirst = early.filter { $0 > held && $0 < emergency }.count
        let imported = emergency - held - 1 - earlyFirst
        // Each process that came first began a session: one record more.
        let importedMax = EmergencyScene.importers * FairnessChildren.batch + early.count + late.count + 2
        if imported > importedMax {
            problems.append("the imports wrote \(imported) records while emergency \(emergency) waited")
        }
        return problems
    }

    private static func sequence(of one: RunningProgram) throws -> Int {
        let finished = try one.finish()
        guard finished.status == 0, let sequence = finished.lines.first.flatMap({ Int($0) }) else {
            throw Trouble("an append was not answered: \(finished)")
        }
        return sequence
    }

    private static func waitUntilQueued(_ programs: [RunningProgram], _ log: BenchLog, at names: [String]) throws {
        let files = try names.map { try inode("\(log.path)/log/\($0)") }
        try BenchLog.wait("everybody waits at \(names)") {
            let waiting = try waiting(for: files)
            return programs.allSatisfy { waiting.contains($0.pid) }
        }
    }

    private static func inode(_ path: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Trouble("\(path): \(String(cString: strerror(errno)))") }
        return "\(status.st_ino)"
    }

    /// Lines of waiters: `7: -> FLOCK  ADVISORY  WRITE 4711 fe:00:1234 0 EOF`.
    private static func waiting(for inodes: [String]) throws -> Set<Int32> {
        let lines = try String(contentsOfFile: "/proc/locks", encoding: .utf8).split(separator: "\n")
        return Set(
            lines.compactMap { line in
                let words = line.split(separator: " ")
                guard words.count > 6, words[1] == "->", let file = words[6].split(separator: ":").last else {
                    return nil
                }
                return inodes.contains(String(file)) ? Int32(words[5]) : nil
            })
    }
}
