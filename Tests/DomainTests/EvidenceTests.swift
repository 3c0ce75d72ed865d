// What is kept as evidence is what was said; what was altered is an error, a finding or nothing, and never the end of
// the process that reads it.

import Events
import Records
import Testing

@testable import Domain
@testable import Exchange

@Suite struct EvidenceTests {
    @Test func everyAnswerComesBackEqual() throws {
        var numbers = SeededNumbers(seed: 11)
        for number in 0..<3_000 {
            let answer = numbers.executionAnswer(number)
            let text = JSONText.render(answer.evidence)
            let back = try ExecutionAnswer(evidence: try JSONText.read(text))
            #expect(back == answer, "\(text)")
        }
    }

    @Test func listsWithRowsThatCouldNotBeReadComeBackEqual() throws {
        var numbers = SeededNumbers(seed: 12)
        for _ in 0..<500 {
            let rows = Rows<PositionReport>(
                readable: (0..<numbers.upTo(3)).map { _ in numbers.position() },
                unreadable: (0..<numbers.upTo(2)).map { _ in
                    .init(symbol: numbers.maybe { $0.words() }, problem: numbers.words())
                })
            let back = try Rows<PositionReport>(evidence: try JSONText.read(JSONText.render(rows.evidence)))
            #expect(back.readable == rows.readable && back.unreadable == rows.unreadable)
        }
    }

    @Test func algoOrdersComeBackEqual() throws {
        let said =
            #"{"symbol":"BTCUSDT","algoId":3,"clientAlgoId":"a","side":"SELL","positionSide":"LONG","algoStatus":"NEW","orderType":"STOP_MARKET"}"#
        let report = try AlgoOrderReport(evidence: try JSONText.read(said))
        #expect(try AlgoOrderReport(evidence: try JSONText.read(JSONText.render(report.evidence))) == report)
    }

    /// One life, and lives after deaths, with their requests and ends.
    @Test(arguments: 1...3) func wholeStoriesAreToldAgain(lives: Int) throws {
        var steps = 0
        for seed in UInt64(0)..<120 {
            let story = EvidentStory(seed: seed, lives: lives)
            let book = try story.audited(story.parts)
            #expect(book.findings == [] && book.gaps == [], "seed \(seed): \(book.findings) \(book.gaps)")
            steps += story.effects.count
        }
        #expect(steps > 1_000)
    }

    // MARK: Bounds

    @Test func partsAreBoundedNumberedAndHoldEverythingInOrder() throws {
        var numbers = SeededNumbers(seed: 13)
        for _ in 0..<20 {
            var trail = EvidenceTrail(about: SequenceNumber(7), rule: "r/1", startedAt: 5, begin: .whole(0))
            var (said, parts): ([JSONValue], [EventEvidence]) = ([.whole(0)], [])
            for number in 1...60 {
                let value = JSONValue.text("\(number)" + String(repeating: "x", count: numbers.upTo(40_000)))
                trail.add(value)
                said.append(value)
                guard numbers.chance(20) else { continue }
                parts += trail.parts
                trail.isRecorded()
                #expect(trail.parts.isEmpty)
            }
            parts += trail.parts
            #expect(parts.map(\.part) == Array(1...UInt32(parts.count)))
            #expect(parts.allSatisfy { $0.said.utf8.count <= Limits.evidenceBytesPerPartMax + 2 })
            #expect(try parts.flatMap { try AnswerFields.rows(try JSONText.read($0.said)) } == said)
        }
    }

    @Test func anAnswerBeyondItsBoundIsLeftOutWithItsSize() throws {
        var trail = EvidenceTrail(about: SequenceNumber(7), rule: "r/1", startedAt: 5, begin: .whole(0))
        let text = String(repeating: "x", count: Limits.evidenceBytesPerStepMax)
        trail.add(Execution.evidence(.price(Sample.btc), .unanswered(text), 9))
        let rows = try trail.parts.flatMap { try AnswerFields.rows(try JSONText.read($0.said)) }
        #expect(trail.parts.allSatisfy { $0.said.utf8.count < 1_000 })
        #expect(throws: MessageError.self) { try EvidentStep(evidence: rows[1]) }
        #expect(rows[1]["asked"] == .text("price BTCUSDT"))
    }

    // MARK: Altered

    @Test func textThatIsCutAtAnyByteIsAnError() throws {
        let text = EvidentStory(seed: 3).parts[0].said
        for length in 0..<text.utf8.count {
            let cut = String(decoding: text.utf8.prefix(length), as: UTF8.self)
            #expect(throws: (any Error).self) { try AnswerFields.rows(try JSONText.read(cut)) }
        }
    }

    /// The rules rely on the log's answers; altered evidence must not reach them with others.
    @Test func alteredEvidenceEndsNothing() throws {
        var (numbers, unheard) = (SeededNumbers(seed: 14), 0)
        for round in UInt64(0)..<1_200 {
            let story = EvidentStory(seed: round % 60, lives: 1 + Int(round % 2))
            var parts = story.parts
            let place = numbers.upTo(parts.count - 1)
            parts[place] = numbers.altered(parts[place])
            let book = try story.audited(parts)
            if book.findingCount + book.gapCount == 0 { unheard += 1 }
        }
        // Prices, texts and times may be altered without another decision; most else is noticed.
        #expect(unheard < 900)
    }

    @Test(arguments: [
        (#""at_ms":1000020"#, #""at_ms":9223372036854775807"#), (#""at_ms":1000020"#, #""at_ms":-9223372036854775808"#),
        (#""recorded_at_ms":1000000"#, #""recorded_at_ms":-9223372036854775808"#),
        (#""leg":1"#, #""leg":4294967295"#), (#""seq":100"#, #""seq":9223372036854775807"#),
        (#""leg":1"#, #""leg":2"#), (#""client_order_id":"bs100""#, #""client_order_id":"bs101""#),
        (#""side":"BUY""#, #""side":"SELL""#),
    ])
    func whatMattersIsNoticed(old: String, new: String) throws {
        let story = EvidentStory.plain
        var parts = story.parts
        for place in parts.indices { parts[place].said = parts[place].said.replacing(old, with: new) }
        #expect(parts != story.parts, "\(story.parts)")
        let book = try story.audited(parts)
        #expect(book.findingCount + book.gapCount == 1, "\(book)")
    }

    /// A start that is no moment, at both ends.
    @Test(arguments: [Int64.max, Int64.min]) func aStartThatIsNoMomentIsSaid(start: Int64) throws {
        let story = EvidentStory.plain
        var parts = story.parts
        for place in parts.indices { parts[place].startedAtMs = start }
        #expect(try story.audited(parts).gapCount > 0)
    }

    // MARK: Memory

    @Test func livesThatNeverEndAreBounded() throws {
        let story = EvidentStory.plain
        var (audit, book) = (ExecutionAudit(), AuditBook(since: .none))
        let count = Limits.auditLivesMax + 500
        for life in 0..<count {
            var part = story.parts[0]
            part.startedAtMs += Int64(life)
            let record = EvidentStory.record(.evidence(part), SequenceNumber(UInt64(10_000 + life)))
            try audit.said(record, part, story, &book)
        }
        #expect(audit.livesHeld == Limits.auditLivesMax && book.findings == [])
    }
}

extension EvidentStory {
    /// A buy that is filled at once.
    static let plain = EvidentStory(ExecutionWorld(), Sample.intent())
}

extension SeededNumbers {
    /// A byte, a cut, or a number that is as large as it can be.
    mutating func altered(_ part: EventEvidence) -> EventEvidence {
        var part = part
        var bytes = Array(part.said.utf8)
        switch upTo(3) {
        case 0: bytes[upTo(bytes.count - 1)] = UInt8(0x20 + upTo(0x5e))
        case 1: bytes.removeSubrange(upTo(bytes.count - 1)...)
        default:
            let digits = bytes.indices.filter { (0x30...0x39).contains(bytes[$0]) }
            let first = pick(digits)
            let end = bytes[first...].firstIndex { !(0x30...0x39).contains($0) } ?? bytes.endIndex
            let other = pick([
                "0", "-1", "1", "4294967295", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
                "1125899906842624", "1e18", "0.000000000000000001", "999999999999999999",
            ])
            bytes.replaceSubrange(first..<end, with: Array(other.utf8))
        }
        part.said = String(decoding: bytes, as: UTF8.self)
        if chance(5) { part.part = UInt32(upTo(3)) }
        return part
    }
}
