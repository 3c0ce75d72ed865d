// What heads that were kept elsewhere say of a backup: only one that is exactly the restored one shows that nothing followed.

import Records
import Testing

@Suite struct RestoreDecisionTests {
    private static func head(_ sequence: UInt64, _ text: String? = nil) -> Head {
        Head(sequence: SequenceNumber(sequence), hash: Digest.sha256(text ?? "\(sequence)"))
    }

    private func decide(_ known: [Head], restored: UInt64 = 100) -> RestoreDecision {
        RestoreDecision.decide(restored: RestoreDecisionTests.head(restored), known: known) { sequence in
            sequence.rawValue <= restored ? RestoreDecisionTests.head(sequence.rawValue).hash : nil
        }
    }

    @Test(
        arguments: [
            ([], .unknown), ([head(100)], .current), ([head(99)], .unknown), ([head(0)], .unknown),
            ([head(101)], .behind), ([head(50), head(100)], .current), ([head(100), head(101)], .behind),
            ([head(101), head(100), head(7)], .behind),
        ] as [([Head], Restoration.Verdict)])
    func whatIsKnownElsewhereDecides(_ known: [Head], _ verdict: Restoration.Verdict) {
        #expect(decide(known) == .restore(verdict))
    }

    @Test(arguments: [
        [head(100, "other")], [head(3, "other")], [head(101), head(3, "other")], [head(100), head(0, "x")],
    ])
    func aHeadThatTheBackupContradictsIsRefused(_ known: [Head]) throws {
        let bad = try #require(known.last)
        guard case .refused(let head, _) = decide(known) else {
            Issue.record("\(decide(known))")
            return
        }
        #expect(head == bad)
    }
}
