// Scenes in which somebody has the turn and others come to wait for theirs. Nothing in them depends on time:
// who waits for which lock stands in /proc/locks, who is slow to wake is stopped by a signal, and who went
// first stands in the records' order.

import Foundation
import Glibc

/// A lone append waits, and is slow to wake when the turn is given back; then an endless import comes. Where
/// turns are taken the import waits behind it; without them it writes on and on.
struct WaiterScene {
    /// The import's batches that went before the append that waited first.
    let batches: Int

    init(_ log: BenchLog, turns: Bool) throws {
        let environment = turns ? [:] : ["BACKSTOP_TURNS": "off"]
        let holder = try Holder(log, environment)
        let waiter = try log.child("fairness-one", ["ordinary"], environment)
        if turns {
            try Locks.wait("it has the next turn", log, ["turn.now"]) { $0.contains(waiter.pid) }
        } else {
            try BenchLog.wait("it asks") { waiter.output.hasPrefix("asking\n") }
        }
        try Stopping.stop(waiter)
        let held = try holder.end()
        let endless = try log.child("fairness-import", [], environment)
        try Locks.wait("the import waits, or writes much", log, ["turn.next"]) {
            $0.contains(endless.pid) || endless.output.contains("much\n") || !endless.isRunning
        }
        waiter.send(SIGCONT)
        let sequence = try FairnessChildren.sequence(of: waiter)
        let ended = try endless.killNow()
        guard ended.signal == SIGKILL else { throw Trouble("the import ended by itself: \(ended)") }
        batches = (sequence - held - 1 + FairnessChildren.batch / 2) / FairnessChildren.batch
    }

    var problems: [String] {
        batches > 0 ? ["\(batches) batches of an import that came later went before an append that waited"] : []
    }
}

/// Imports and lone appends wait, then an emergency comes, then more lone appends. The emergency is slow to
/// wake: only the gate keeps it first.
struct EmergencyScene {
    private static let importers = 2
    private static let early = 3
    private static let late = 3
    let problems: [String]

    init(_ log: BenchLog) throws {
        let imports = try (0..<EmergencyScene.importers).map { _ in try log.child("fairness-import", []) }
        for one in imports {
            try BenchLog.wait("the import begins") { one.output.hasPrefix("began\n") || !one.isRunning }
        }
        let holder = try Holder(log, [:])
        let early = try (0..<EmergencyScene.early).map { _ in try log.child("fairness-one", ["ordinary"]) }
        let queue = ["turn.next", "turn.now"]
        try Locks.wait("the early ones wait", log, queue) { waiting in
            (imports + early).allSatisfy { waiting.contains($0.pid) }
        }
        let emergency = try log.child("fairness-one", ["emergency"])
        try Locks.wait("the emergency waits", log, queue) { $0.contains(emergency.pid) }
        let late = try (0..<EmergencyScene.late).map { _ in try log.child("fairness-one", ["ordinary"]) }
        // At the gate; where it is open by mistake, further on, and then the records' order shows it.
        try Locks.wait("the late ones wait", log, queue + ["turn.emergency"]) { waiting in
            late.allSatisfy { waiting.contains($0.pid) }
        }
        try Stopping.stop(emergency)
        let held = try holder.end()
        try Locks.wait("all others wait at the gate", log, ["turn.emergency"]) { waiting in
            (imports + late).allSatisfy { waiting.contains($0.pid) } || late.allSatisfy { !$0.isRunning }
        }
        emergency.send(SIGCONT)
        let first = try FairnessChildren.sequence(of: emergency)
        let earlySequences = try early.map { try FairnessChildren.sequence(of: $0) }
        let lateSequences = try late.map { try FairnessChildren.sequence(of: $0) }
        for one in imports {
            let ended = try one.killNow()
            guard ended.signal == SIGKILL else { throw Trouble("the import ended by itself: \(ended)") }
        }
        problems = EmergencyScene.judge(held, first, earlySequences, lateSequences)
    }

    /// Whoever queued before the gate was closed may go first, once; whoever came after it may not.
    private static func judge(_ held: Int, _ emergency: Int, _ early: [Int], _ late: [Int]) -> [String] {
        var problems: [String] = []
        let overtaken = late.filter { $0 < emergency }
        if !overtaken.isEmpty { problems.append("records \(overtaken) of those at the gate came before \(emergency)") }
        let imported = emergency - held - 1 - early.filter { $0 < emergency }.count
        // Each process that writes for the first time begins a session, and a stream: records of their own.
        let importedMax = importers * FairnessChildren.batch + early.count + late.count + 4
        if imported > importedMax {
            problems.append("the imports wrote \(imported) records while emergency \(emergency) waited")
        }
        return problems
    }
}

/// Has the turn until it is told.
private struct Holder {
    private let program: RunningProgram

    init(_ log: BenchLog, _ environment: [String: String]) throws {
        program = try log.child("fairness-hold", [], environment, piped: .inputAndOutput)
        guard try program.answers?.next() == "holding" else {
            throw Trouble("nobody holds the turn: \(program.errors)")
        }
    }

    /// Gives the turn back; its record's sequence.
    func end() throws -> Int {
        try program.closeInput()
        let finished = try program.finish()
        guard finished.status == 0, let sequence = finished.lines.last.flatMap({ Int($0) }) else {
            throw Trouble("the holder failed: \(finished)")
        }
        return sequence
    }
}

private enum Stopping {
    /// SIGSTOP, and its effect. What it waits for is asked for again when it goes on.
    static func stop(_ program: RunningProgram) throws {
        program.send(SIGSTOP)
        try BenchLog.wait("\(program.pid) stands still") {
            let text = try String(contentsOfFile: "/proc/\(program.pid)/stat", encoding: .utf8)
            return text.split(separator: ")").last?.hasPrefix(" T") == true
        }
    }
}

private enum Locks {
    /// Waits for a condition on who waits for one of the log's locks.
    static func wait(
        _ what: String, _ log: BenchLog, _ names: [String], until isTrue: (Set<Int32>) throws -> Bool
    ) throws {
        let files = try names.map { try inode("\(log.path)/log/\($0)") }
        try BenchLog.wait(what) { try isTrue(try waiting(for: files)) }
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
