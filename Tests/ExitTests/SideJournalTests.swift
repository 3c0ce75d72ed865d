// The side journal on folders that fail: what was written is read again, in its order and once; the next place takes
// what the first does not; a place that is stuck costs its time once.

import Domain
import Events
import Exchange
import Foundation
import Glibc
import Records
import Testing

@testable import EmergencyExit

@Suite struct SideJournalTests {
    private let trigger = ExitTrigger(
        log: LogID([UInt8](repeating: 7, count: 16))!, sequence: SequenceNumber(9), eventID: "e", reason: "r",
        issuer: "ops", severity: "CRITICAL", producedAtNs: 5, acceptedAtNs: 6, haltedAtBootNs: 7)

    private func withFolders(_ body: ([String]) throws -> Void) throws {
        let root = FileManager.default.temporaryDirectory.path + "/journal-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }  // harms no test
        try body([root + "/one", root + "/two"])
    }

    private func lines(_ count: Int) throws -> [ExitLine] {
        let place = ExitPlace(symbol: try SymbolName("BTCUSDT"), side: .both)
        let end = ClosedOrder(
            state: .rejected, executed: .zero, averagePrice: nil, exchangeOrderID: 0, errorCode: -1, reason: "no")
        let closes = try (1...count).map {
            CloseOrder(
                trigger: trigger.id, place: place, part: UInt32($0), side: .sell, quantity: try ExactDecimal("1"))
        }
        return [.trigger(trigger)]
            + closes.enumerated().flatMap { number, close -> [ExitLine] in
                [
                    .request(close, number: UInt32(number + 1), atNs: 1),
                    .outcome(close, end, number: UInt32(number + 1)),
                ]
            }
    }

    /// - Parameter milliseconds: seconds unless told otherwise, so that a busy machine is no slow disk.
    private func journal(_ folders: [String], milliseconds: Int = 5_000) -> SideJournal {
        SideJournal(folders: folders, speaker: Speaker("test"), writeMilliseconds: milliseconds)
    }

    /// In one place after the other, line by line.
    private func write(_ lines: [ExitLine], _ journal: SideJournal) -> [String?] {
        lines.indices.map { journal.append(Array(lines[...$0]), newest: 1, of: trigger) }
    }

    private func file(_ folder: String) throws -> String {
        folder + "/" + (try FileManager.default.contentsOfDirectory(atPath: folder)[0])
    }

    @Test func whatWasWrittenIsReadAgain() throws {
        try withFolders { folders in
            let lines = try lines(5)
            let places = write(lines, journal(folders))
            #expect(places.allSatisfy { $0?.hasPrefix(folders[0]) == true })
            #expect(journal(folders).read().map(\.lines) == [lines])
            // Another life writes the run anew: each line counts once.
            let heir = journal(folders)
            _ = heir.append(lines, newest: 1, of: trigger)
            #expect(journal(folders).read().map(\.lines) == [lines])
            heir.remove(trigger)
            _ = heir.read()  // behind the removal
            #expect(journal(folders).read().isEmpty)
        }
    }

    @Test func aTornLastLineIsWhatACrashLeaves() throws {
        try withFolders { folders in
            let lines = try lines(2)
            _ = write(lines, journal(folders))
            let path = try file(folders[0])
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            let lastLine = lines[4].text.utf8.count + 1
            for cut in 1...lastLine {
                try bytes.dropLast(cut).write(to: URL(fileURLWithPath: path))
                let read = journal(folders).read().map(\.lines)
                #expect(read == [cut == 1 ? lines : Array(lines.dropLast())], "cut by \(cut)")
            }
            // The next line does not melt with the torn one.
            let heir = journal(folders)
            _ = heir.append(lines, newest: 1, of: trigger)
            #expect(journal(folders).read().map(\.lines) == [lines])
        }
    }

    @Test func theSecondPlaceTakesWhatTheFirstDoesNot() throws {
        try withFolders { folders in
            try Data().write(to: URL(fileURLWithPath: folders[0]))  // a file is no folder
            let lines = try lines(2)
            let places = write(lines, journal(folders))
            #expect(places.allSatisfy { $0?.hasPrefix(folders[1]) == true })
            #expect(journal(folders).read().map(\.lines) == [lines])
        }
    }

    /// It took the first lines, then not, then again: no line comes before one that it needs.
    @Test func aPlaceThatFailedForAWhileHasNoGap() throws {
        try withFolders { folders in
            let lines = try lines(6)
            let writer = journal(folders)
            func append(_ numbers: ClosedRange<Int>) -> [String?] {
                numbers.map { writer.append(Array(lines[...$0]), newest: 1, of: trigger) }
            }
            _ = append(0...1)
            let path = try file(folders[0])
            try FileManager.default.moveItem(atPath: path, toPath: path + ".kept")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(append(2...5).allSatisfy { $0?.hasPrefix(folders[1]) == true }, "a folder takes no line")
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: path + ".kept", toPath: path)
            #expect(append(6...12).allSatisfy { $0?.hasPrefix(folders[0]) == true })
            #expect(journal(folders).read().map(\.lines) == [lines])
            try FileManager.default.removeItem(atPath: folders[1])
            #expect(journal(folders).read().map(\.lines) == [lines], "each place alone has no gap")
        }
    }

    /// A pipe that nobody reads stands for a disk that answers no more.
    @Test func aStuckPlaceCostsItsTimeOnce() throws {
        try withFolders { folders in
            let lines = try lines(20)
            let writer = journal(folders, milliseconds: 500)
            _ = journal(folders).append(Array(lines[...0]), newest: 1, of: trigger)
            let path = try file(folders[0])
            unlink(path)
            #expect(mkfifo(path, 0o600) == 0)
            let began = ContinuousClock.now
            for number in 1..<lines.count {
                let place = writer.append(Array(lines[...number]), newest: 1, of: trigger)
                #expect(place?.hasPrefix(folders[1]) == true)
            }
            let took = ContinuousClock.now - began
            #expect(took < .seconds(10), "40 lines took \(took), 20 s would be each its time")
            #expect(took >= .milliseconds(500))
            // Reading does not wait for it for ever either.
            let read = journal(folders).read().map(\.lines)
            #expect(read == [lines])
            let reader = open(path, O_RDWR | O_NONBLOCK)  // lets the writer go
            close(reader)
        }
    }

    @Test func noPlaceAtAllIsToldAsStandardError() throws {
        try withFolders { folders in
            for folder in folders { try Data().write(to: URL(fileURLWithPath: folder)) }
            #expect(write(try lines(1), journal(folders)).allSatisfy { $0 == "standard error" })
        }
    }

    @Test func whatIsNoLineIsToldAndTheRestIsUsed() throws {
        try withFolders { folders in
            let lines = try lines(2)
            _ = write(lines, journal(folders))
            let path = try file(folders[0])
            var text = try String(contentsOfFile: path, encoding: .utf8)
            text = text.replacing(lines[2].text, with: "{garbage}")
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            try Data("\u{0}\u{1}".utf8).write(to: URL(fileURLWithPath: folders[0] + "/exit-other.jsonl"))
            let read = journal(folders).read().map(\.lines)
            #expect(read == [[lines[0], lines[1], lines[3], lines[4]]])
        }
    }
}
