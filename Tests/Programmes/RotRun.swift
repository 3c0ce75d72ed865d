// One run of rot: damages the file of one lane while the other is checked, mends it again, and counts.

import Foundation
import Glibc

struct RotRun {
    private let bytes: [UInt8]
    private let lanes: [CheckLane]
    private let files: [Int32]
    private let seed: UInt64
    private var random: SeededGenerator
    private var waiting: [Damage?]
    private var turn = 0
    private var report: Report
    private var withoutVerify = Report.Control(name: "reading without verify", cases: 0, bad: 0)
    private var counts: [String: Int] = [:]

    init(_ bytes: [UInt8], _ lanes: [CheckLane], seed: UInt64) throws {
        self.bytes = bytes
        self.lanes = lanes
        self.seed = seed
        random = SeededGenerator(seed: seed)
        waiting = lanes.map { _ in nil }
        report = Report(Rot.self, seed: seed)
        files = lanes.map { open($0.folder + "/log/" + Recording.dataFile, O_WRONLY | O_CLOEXEC) }
        guard files.allSatisfy({ $0 >= 0 }) else { throw Trouble("a lane's file cannot be opened") }
    }

    var finished: Report {
        for file in files { close(file) }
        var report = report
        report.controls = [withoutVerify]
        report.notes = ["\(bytes.count) bytes"] + counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return report
    }

    /// Every byte once, in an order that covers the file evenly however early it ends; swaps in between.
    mutating func rot(_ budget: Budget, swapsInFull: Int, _ bench: Bench) throws {
        let flipsInFull = bytes.count
        var (flips, swaps, place) = (0, 0, Int(random.next() % UInt64(bytes.count)))
        let stride = RotRun.stride(bytes.count)
        while flips + swaps < flipsInFull + swapsInFull, !budget.isSpent(report.cases) {
            if swaps < swapsInFull, swaps * flipsInFull <= flips * swapsInFull {
                swaps += 1
                try check(Damage.swap(of: bytes, &random), bench)
            } else {
                flips += 1
                place = (place + stride) % bytes.count
                try check(Damage.flip(place, of: bytes, &random), bench)
            }
            if report.cases % 20_000 == 19_999 { bench.progress("\(report.cases) flips, \(report.bad) bad") }
        }
        for lane in lanes.indices { try finish(lane) { try $0.judge($1, $2, bench) } }
    }

    /// Flips in leaf pages, where the tables are (opening alone checks the records), until some were served wrongly.
    mutating func control(casesMax: Int) throws {
        let leaves = RotRun.leafPages(bytes)
        guard !leaves.isEmpty else { throw Trouble("the file has no leaf page") }
        while withoutVerify.cases < casesMax, withoutVerify.bad < 3 {
            let page = leaves[Int(random.next() % UInt64(leaves.count))]
            let damage = Damage.flip(page + Int(random.next() % UInt64(RotRun.pageBytes)), of: bytes, &random)
            try put(damage, in: 0)
            try lanes[0].ask("read")
            try finish(0) { run, _, answer in
                run.withoutVerify.cases += 1
                if case .line(let line) = answer, case .wrong = try Finding(line) { run.withoutVerify.bad += 1 }
            }
        }
    }

    // MARK: One case

    private mutating func check(_ damage: Damage, _ bench: Bench) throws {
        turn = (turn + 1) % lanes.count
        try finish(turn) { try $0.judge($1, $2, bench) }
        try put(damage, in: turn)
        try lanes[turn].ask("verify")
    }

    private mutating func put(_ damage: Damage, in lane: Int) throws {
        for part in damage.parts { try write(part.after, at: part.offset, lane) }
        waiting[lane] = damage
    }

    /// Takes the lane's answer, where one is due, and mends its file.
    private mutating func finish(
        _ lane: Int, _ judge: (inout RotRun, Damage, CheckLane.Answer) throws -> Void
    ) throws {
        guard let damage = waiting[lane] else { return }
        waiting[lane] = nil
        let answer = try lanes[lane].answer()
        for part in damage.parts { try write(part.before, at: part.offset, lane) }
        try judge(&self, damage, answer)
    }

    private func write(_ bytes: [UInt8], at offset: Int, _ lane: Int) throws {
        guard pwrite(files[lane], bytes, bytes.count, off_t(offset)) == bytes.count else {
            throw Trouble("a lane's file cannot be written")
        }
    }

    private mutating func judge(_ damage: Damage, _ answer: CheckLane.Answer, _ bench: Bench) throws {
        report.cases += 1
        let text = "seed \(seed), \(damage.text)"
        switch answer {
        case .crashed: counts["crashed", default: 0] += 1
        case .hung: report.fail("\(text): the check did not end", bench)
        case .line(let line):
            switch try Finding(line) {
            case .whole: counts["harmless", default: 0] += 1
            case .found: counts["found", default: 0] += 1
            case .wrong(let what): report.fail("\(text): \(what)", bench)
            case .lost: throw Trouble("rot-check answered \(line)")
            }
        }
    }

    private static let pageBytes = 4_096

    /// Where LMDB's leaf pages begin: flags at byte 10 of a page; an overflow page says at byte 12 how many it is.
    private static func leafPages(_ bytes: [UInt8]) -> [Int] {
        bytes.withUnsafeBytes { raw in
            var found: [Int] = []
            var page = 2 * pageBytes
            while page + pageBytes <= raw.count {
                let flags = raw.loadUnaligned(fromByteOffset: page + 10, as: UInt16.self)
                let pages = raw.loadUnaligned(fromByteOffset: page + 12, as: UInt32.self)
                if flags & 2 != 0 { found.append(page) }
                page += (flags & 4 != 0 ? max(1, Int(pages)) : 1) * pageBytes
            }
            return found
        }
    }

    /// A step near the golden ratio of `count` that has no divisor in common with it.
    private static func stride(_ count: Int) -> Int {
        var step = Int(Double(count) * 0.618)
        func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
        while divisor(step, count) != 1 { step += 1 }
        return step
    }
}
