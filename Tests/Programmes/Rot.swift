// Every byte of a data file changes in turn, and pairs of sectors change places. What the log then serves is what
// was written, or it says that something is wrong; `verify` may end in a crash, since it runs in a child. The
// control reads without verifying: it is served other things than were written.

import Foundation
import Glibc

package struct Rot: Programme {
    package static let name = "rot"
    package static let promise =
        "no byte of the data file can change so that verify is clean and something else is served"
    package static let unit = "flips"
    package static let casesInFull = 1 << 20 + swapsInFull

    private static let swapsInFull = 100_000
    private static let lanes = 2
    /// It ends earlier where it has seen enough.
    private static let controlCasesMax = 3_000

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        try WorkFolder.lend(bench) { folder in
            let end = try Children.start(
                ["child", "rot-build", folder + "/log", "\(seed)"], bench, folder: folder, piped: .nothing
            ).finish()
            guard end.status == 0 else { throw Trouble("no log was made: \(end)") }
            let bytes = try WorkFolder.read("\(folder)/log/\(Recording.dataFile)")
            let lanes = try (0..<lanes).map { number in
                let lane = "\(folder)/lane-\(number)"
                let opened = try CheckLane("rot-check", [lane + "/log", folder + "/log"], folder: lane, bench)
                try WorkFolder.makeLogFolder(lane + "/log", like: folder + "/log")
                try WorkFolder.put(bytes, into: lane + "/log")
                return opened
            }
            var run = try RotRun(bytes, lanes, seed: seed)
            try run.control(casesMax: controlCasesMax)
            try run.rot(budget, swapsInFull: swapsInFull, bench)
            for lane in lanes { try lane.close() }
            return run.finished
        }
    }
}

/// One change of the file, and what it was before.
struct Damage {
    let text: String
    let parts: [(offset: Int, before: [UInt8], after: [UInt8])]

    /// Another value for one byte.
    static func flip(_ offset: Int, of bytes: [UInt8], _ random: inout SeededGenerator) -> Damage {
        let mask = UInt8(1 + random.next() % 255)
        let after = bytes[offset] ^ mask
        return Damage(
            text: "byte \(offset) from \(bytes[offset]) to \(after)", parts: [(offset, [bytes[offset]], [after])])
    }

    /// Two sectors that are not the same.
    static func swap(of bytes: [UInt8], _ random: inout SeededGenerator) -> Damage {
        let count = UInt64(bytes.count / sectorBytes)
        while true {
            let places = [random.next() % count, random.next() % count].map { Int($0) * sectorBytes }
            let sectors = places.map { Array(bytes[$0..<$0 + sectorBytes]) }
            guard sectors[0] != sectors[1] else { continue }
            return Damage(
                text: "sectors at \(places[0]) and \(places[1]) swapped",
                parts: [(places[0], sectors[0], sectors[1]), (places[1], sectors[1], sectors[0])])
        }
    }

    private static let sectorBytes = 512
}
