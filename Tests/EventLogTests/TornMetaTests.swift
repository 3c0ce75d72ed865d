// A meta page of which only some of its 8-byte words reached the disk: every mixture of two commits is the older
// one, the newer one, or refused on open. Served as truth, it would lose a commit or write over live pages.

import Foundation
import Testing

import EventLog
import Records

@Suite struct TornMetaTests {
    private static let pageBytes = 4_096

    private func data(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/log/data.mdb")))
    }

    private func open(_ path: String) throws -> EventLog {
        try EventLog(at: path, mode: .writing, rules: testRules, options: testOptions())
    }

    /// The head, once the log has taken one more record and is whole.
    private func headAfterOneMore(_ path: String) throws -> UInt64 {
        let log = try open(path)
        defer { log.close() }
        let head = try log.head().sequence.rawValue
        _ = try log.append([draft("one more")])
        let report = try log.verify(known: nil) { _ in }
        #expect(report.findings == [])
        return head
    }

    /// After 2 commits the trees are small; after 40 pages were used again, and the file has grown.
    @Test(arguments: [2, 40])
    func everyMixtureOfTwoMetaPagesIsOneOfThemOrRefused(commits: Int) throws {
        let path = temporaryFolder() + "/log"
        _ = try EventLog.create(at: path, options: testOptions())
        let log = try open(path)
        let long = String(repeating: "x", count: 700)
        for number in 0..<commits { _ = try log.append([draft(long + "\(number)", key: "k\(number)")]) }
        let acknowledged = try log.head().sequence.rawValue
        let before = try data(path)
        _ = try log.append([draft(long + "last", key: "last")])
        log.close()
        let after = try data(path)
        // The commit wrote one of the two meta pages.
        let words = stride(from: 0, to: 2 * TornMetaTests.pageBytes, by: 8).filter {
            before[$0..<$0 + 8] != after[$0..<$0 + 8]
        }
        try #require((2...10).contains(words.count))
        var refused = 0
        for mixture in 0..<(1 << words.count) {
            var torn = after
            for (bit, word) in words.enumerated() where mixture & (1 << bit) == 0 {
                torn.replaceSubrange(word..<word + 8, with: before[word..<word + 8])
            }
            try Data(torn).write(to: URL(fileURLWithPath: path + "/log/data.mdb"))
            do {
                let head = try headAfterOneMore(path)
                #expect(head == acknowledged || head == acknowledged + 1, "words \(String(mixture, radix: 2))")
            } catch LogError.damaged { refused += 1 }
        }
        #expect(refused > 0)
    }
}
