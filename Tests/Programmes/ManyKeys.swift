// So many keys that no memory holds them, each offered a second time, in another order: a duplicate each, with the right
// sequence. Keys and order follow from the seed, so nothing is kept of them. The control is a key that was never offered.

import EventLog
import Foundation
import Records

package struct ManyKeys: Programme {
    package static let name = "many-keys"
    package static let promise = "each of very many keys, offered again in random order, is a duplicate of its record"
    package static let unit = "keys"
    package static let casesInFull = 20_000_000

    private static let batch = 1_000
    private static let told = 1_000_000

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(ManyKeys.self, seed: seed)
        let path = bench.folder + "/many"
        _ = try EventLog.create(at: path, options: SoakLog.options)
        var log = try SoakLog.open(path, .writing)
        var count: UInt64 = 0
        while count < UInt64(budget.casesMax), count == 0 || !budget.isSpent(min(Int(count) * 2, budget.casesMax - 1)) {
            let size = min(UInt64(batch), UInt64(budget.casesMax) - count)
            let drafts = (count..<count + size).map { draft($0, seed) }
            for (number, answer) in zip(count..., try log.append(drafts)) where !isRecord(number, answer, isNew: true) {
                report.fail("key \(number) is answered with \(answer)", bench)
            }
            count += size
            if count.isMultiple(of: UInt64(told)) { bench.progress("\(count) keys appended") }
        }
        // What stands in memory now has to be found again, too.
        log.close()
        log = try SoakLog.open(path, .writing)
        defer { log.close() }
        var order = Walk(count: count, seed: seed)
        while report.cases < Int(count) {
            let numbers = order.next(batch)
            for (number, answer) in zip(numbers, try log.append(numbers.map { draft($0, seed) }))
            where !isRecord(number, answer, isNew: false) {
                report.fail("key \(number), offered again, is answered with \(answer)", bench)
            }
            report.cases += numbers.count
            if report.cases.isMultiple(of: told) { bench.progress("\(report.cases) keys offered again") }
        }
        let answers = try log.append((count..<count + 100).map { draft($0, seed) })
        report.controls = [
            Report.Control(
                name: "keys that are new", cases: 100,
                bad: answers.count { if case .appended = $0 { true } else { false } })
        ]
        report.notes = ["\(log.space().used / Int(count)) bytes a key on the disk, log and index"]
        return report
    }

    /// The log's first two records are its session and the stream.
    private static func isRecord(_ number: UInt64, _ answer: AppendAnswer, isNew: Bool) -> Bool {
        switch answer {
        case .appended(let place): isNew && place.sequence.rawValue == number + 3
        case .duplicate(let place): !isNew && place.sequence.rawValue == number + 3
        case .conflict, .refused, .unknown: false
        }
    }

    /// Random keys, and some that are ordered by time, as UUIDv7 and ULID are.
    private static func draft(_ number: UInt64, _ seed: UInt64) -> Draft {
        var random = SeededGenerator(seed: seed &+ number)
        let text =
            number % 4 == 0 ? "\(1_700_000_000_000 + number / 3)-\(random.next())" : "\(random.next())-\(random.next())"
        return Draft(
            kind: SoakLog.plain, stream: SoakLog.streams[0], key: .user(text), producer: "soak",
            body: Body(fields: FieldMap([("n", "\(number)")]), typed: []))
    }

    /// Every number below `count` once, in an order that looks like chance: steps of a size that shares no factor with it.
    private struct Walk {
        let count: UInt64
        private let step: UInt64
        private var place: UInt64
        private var left: UInt64

        init(count: UInt64, seed: UInt64) {
            var random = SeededGenerator(seed: seed)
            func hasFactor(_ a: UInt64, _ b: UInt64) -> Bool {
                var (a, b) = (a, b)
                while b > 0 { (a, b) = (b, a % b) }
                return a > 1
            }
            var step = count * 618 / 1_000 + random.next() % (count / 10 + 1) + 1
            while hasFactor(step, count) { step += 1 }
            (self.count, self.step, place, left) = (count, step, random.next() % count, count)
        }

        mutating func next(_ batch: Int) -> [UInt64] {
            (0..<min(UInt64(batch), left)).map { _ in
                place = (place + step) % count
                left -= 1
                return place
            }
        }
    }
}
