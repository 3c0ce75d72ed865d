// Bundles: what belongs to an incident is in, the same evidence gives the same bytes, and nothing of it changes unseen, by
// accident or by somebody who makes every digest again.

import Foundation
import Testing

import Domain
import EventLog
import Events
import Records

@testable import Evidence

@Suite struct BundleTests {
    // MARK: What is in

    @Test func whatLedToARecordAndWhatFollowedIsInAndNothingElse() throws {
        try IncidentLog.with { incident in
            let bundle = try incident.bundle()
            let why = Dictionary(uniqueKeysWithValues: bundle.records.map { ($0.sequence, $0.why) })
            #expect(why[incident.fill] == [.subject, .trace])
            #expect(why[incident.intent] == [.effect, .trace] && why[incident.decision] == [.trace])
            #expect(why[incident.halt] == [.effect] && why[incident.refused] == [.effect])
            #expect(why[incident.configuration] == [.configuration] && why[incident.session] == [.session])
            for record in bundle.records where record.why == [.stream] || record.why == [.reference] {
                #expect(record.sequence < incident.refused)
            }
            let beats = try incident.kinds(.heartbeat)
            #expect(beats.count == 5 && beats.allSatisfy { why[$0] == nil })
            let all = bundle.records.count { $0.isEvent }
            let bytes = try bundle.encoded()
            let check = BundleCheck(bundle, bytes: bytes, known: nil, version: IncidentLog.version)
            #expect(check.findings == [] && check.remadePages)
            #expect(all == 6, "\(why)")
            #expect(check.recomputedStates >= all, "streams that were made in between, too")
            #expect(bundle.span?.first == incident.decision && bundle.span?.last == bundle.head)
        }
    }

    @Test func theSameEvidenceGivesTheSameBytes() throws {
        try IncidentLog.with { incident in
            let bundle = try incident.bundle()
            let bytes = try bundle.encoded()
            #expect(try incident.bundle().encoded() == bytes)
            #expect(try EvidenceBundle(reading: bytes) == bundle)
        }
    }

    @Test func whatChangedIsShownAndForeignTextIsNoMarkup() throws {
        try IncidentLog.with("<img src=x onerror=alert(1)>\u{202E}\u{1B}[2J") { incident in
            let files = try StoredZip.unpack(try incident.bundle().encoded())
            let page = String(decoding: try #require(files.first { $0.name == "page.html" }).bytes, as: UTF8.self)
            #expect(!page.contains("<script") && !page.contains("<img") && page.contains("&lt;img"))
            #expect(!page.unicodeScalars.contains("\u{202E}") && !page.unicodeScalars.contains("\u{1B}"))
            #expect(page.contains("positions changed") && page.contains("HALTED"))
            let changes = String(
                decoding: try #require(files.first { $0.name == "changes.jsonl" }).bytes, as: UTF8.self)
            let line = try #require(changes.split(separator: "\n").first { $0.hasPrefix("{\"seq\":\(incident.fill),") })
            let after = try JSONText.read(String(line))["changed"]?["positions"]?["after"]
            guard case .array(let positions) = after else {
                Issue.record("\(line)")
                return
            }
            #expect(positions.first?["quantity"] == .string("0.01"))
        }
    }

    @Test func aRecordWithASecretIsLeftOutAndTheChainStillHolds() throws {
        let secret = "s3cr3t-value-of-a-key"
        try IncidentLog.with("oops \(secret)") { incident in
            let bundle = try incident.bundle(secrets: [secret])
            let bytes = try bundle.encoded()
            #expect(!String(decoding: bytes, as: UTF8.self).contains(secret))
            #expect(!String(decoding: bytes, as: UTF8.self).contains(Hex.encode(Array(secret.utf8))))
            let check = BundleCheck(bundle, bytes: bytes, known: bundle.head, version: IncidentLog.version)
            #expect(check.findings == [] && check.withheldRecords == 1)
        }
        try IncidentLog.with("https://x/?timestamp=1&SIGNATURE=abcdef") { incident in
            let withheld = try incident.bundle().records.filter {
                if case .withheld = $0.content { true } else { false }
            }
            #expect(withheld.map(\.sequence) == [incident.decision])
        }
    }

    @Test func aRecordThatIsNotThereIsSaid() throws {
        try IncidentLog.with { incident in
            let head = try incident.log.head().sequence
            for wrong in [SequenceNumber.none, head.next] {
                #expect(throws: BundleError.noRecord(wrong, head: head)) { _ = try incident.bundle(wrong) }
            }
        }
    }

    // MARK: What it shows

    @Test func onlyAHeadFromElsewhereShowsWhoseItIs() throws {
        try IncidentLog.with { incident in
            let bundle = try incident.bundle()
            let span = try #require(bundle.span)
            #expect(try bundle.findings(bundle.head) == [] && bundle.findings(span.last) == [])
            let other = Head(sequence: bundle.head.sequence, hash: Digest.sha256("another log"))
            #expect(try bundle.findings(other).first?.contains("another log's") == true)
            let later = Head(sequence: bundle.head.sequence.next, hash: other.hash)
            #expect(try bundle.findings(later).first?.contains("no link") == true)
            let session = try #require(bundle.records.first { $0.sequence == incident.session })
            #expect(try bundle.findings(Head(sequence: incident.session, hash: session.hash)) == [])
        }
    }

    // MARK: Altered

    @Test func everyByteCounts() throws {
        try IncidentLog.with { incident in
            let bytes = try incident.bundle().encoded()
            var random = SystemRandomNumberGenerator()
            // Names, tables and manifest whole; of the rest a sample (tools/check-bundle's test takes every byte).
            let places =
                Array(0..<200) + Array(bytes.count - 500..<bytes.count)
                + (0..<700).map { _ in
                    Int.random(in: 0..<bytes.count, using: &random)
                }
            for place in places {
                var altered = bytes
                altered[place] ^= UInt8.random(in: 1...255, using: &random)
                #expect(throws: BundleError.self, "byte \(place)") { _ = try EvidenceBundle(reading: altered) }
            }
            for end in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 300)) {
                #expect(throws: BundleError.self, "cut at \(end)") {
                    _ = try EvidenceBundle(reading: Array(bytes[..<end]))
                }
            }
            #expect(throws: BundleError.self) { _ = try EvidenceBundle(reading: bytes + [0]) }
        }
    }

    /// Every digest in the file is right; what the records say is not.
    @Test func somebodyWhoMakesEveryDigestAgainIsFound() throws {
        try IncidentLog.with { incident in
            let bundle = try incident.bundle()
            func altered(_ place: Int, _ change: (inout [UInt8]) -> Void) -> [BundledRecord] {
                var records = bundle.records
                let old = records[place]
                guard case .whole(var bytes) = old.content else { return records }
                change(&bytes)
                records[place] = BundledRecord(
                    sequence: old.sequence, why: old.why, previous: old.previous, hash: old.hash, content: .whole(bytes)
                )
                return records
            }
            for place in bundle.records.indices {
                let body = altered(place) { $0[$0.count - 1] ^= 1 }
                #expect(try !bundle.with(records: body).findings().isEmpty)
                let time = altered(place) { $0[Header.Offset.recordedAt] ^= 1 }
                #expect(try !bundle.with(records: time).findings().isEmpty)
                let cut = altered(place) { $0.removeLast() }
                #expect(try !bundle.with(records: cut).findings().isEmpty)
            }
            #expect(try !bundle.with(records: bundle.records.reversed()).findings().isEmpty)
            for event in bundle.records where event.isEvent && event.sequence != incident.fill {
                let left = bundle.records.filter { $0.sequence != event.sequence }
                // A record of the trace alone is bound to nothing that is left; what leads to others is missed.
                let isMissed = try bundle.with(records: left).findings().contains { $0.contains("left out") }
                #expect(isMissed || event.why == [.trace], "record \(event.sequence), \(event.why)")
            }
            #expect(
                try !bundle.with(records: bundle.records.filter { $0.sequence != bundle.subject }).findings().isEmpty)
            var links = bundle.links
            links[links.count / 2] ^= 1
            #expect(try !bundle.with(links: links).findings().isEmpty)
            #expect(try !bundle.with(links: Array(bundle.links.dropLast(152))).findings().isEmpty)
            var tried = 0
            for place in bundle.states.indices.dropFirst() {
                let (before, after) = (bundle.states[place - 1], bundle.states[place])
                guard before.parts != after.parts, before.asOf == after.asOf.previous,
                    bundle.records.contains(where: { $0.isEvent && $0.sequence == after.asOf })
                else { continue }
                var states = bundle.states
                states[place] = BundledState(asOf: after.asOf, parts: before.parts)
                let findings = try bundle.with(states: states).findings()
                #expect(findings.contains { $0.contains("state after it") }, "state \(after.asOf): \(findings)")
                tried += 1
            }
            #expect(tried >= 5)
            let head = Head(sequence: bundle.head.sequence, hash: Digest.sha256("x"))
            #expect(try !bundle.with(head: head).findings().isEmpty)
        }
    }

    @Test func aPageThatTellsAnotherStoryIsFound() throws {
        try IncidentLog.with { incident in
            let bytes = try incident.bundle().encoded()
            for name in ["page.html", "changes.jsonl", "records.jsonl"] {
                let altered = try forged(bytes, name) { text in
                    text.replacingOccurrences(of: name == "changes.jsonl" ? "HALTED" : "BTCUSDT", with: "ETHUSDT")
                }
                #expect(altered != bytes)
                let bundle = try EvidenceBundle(reading: altered)
                let check = BundleCheck(bundle, bytes: altered, known: nil, version: IncidentLog.version)
                #expect(check.findings.first?.contains("what people read") == true, "\(name): \(check.findings)")
                let unknown = BundleCheck(bundle, bytes: altered, known: nil, version: "another version")
                #expect(unknown.findings == [] && !unknown.remadePages, "another version's wording may differ")
            }
        }
    }

    // MARK: Nonsense

    /// Files of a valid zip with right digests, and anything in them: an error or a finding, never a crash, never clean.
    @Test func nonsenseIsNeverBelieved() throws {
        let seed = UInt64.random(in: 1...UInt64(UInt32.max))
        var random = Seeded(seed)
        try IncidentLog.with { incident in
            let bytes = try incident.bundle().encoded()
            let files = try StoredZip.unpack(bytes)
            for round in 0..<400 {
                let name = files[Int(random.next() % UInt64(files.count))].name
                let altered = try forged(bytes, name, mutate: { Self.mutated($0, &random) })
                guard altered != bytes else { continue }
                do {
                    let bundle = try EvidenceBundle(reading: altered)
                    let check = BundleCheck(bundle, bytes: altered, known: nil, version: IncidentLog.version)
                    // The manifest's own words (ids, head) are bound by nothing but a head that was kept elsewhere.
                    let isBound = name != "manifest.json"
                    #expect(
                        !check.findings.isEmpty || !check.remadePages || !isBound,
                        "seed \(seed), round \(round), \(name)")
                } catch { #expect(error is BundleError, "seed \(seed), round \(round): \(error)") }
            }
        }
    }

    @Test func sizesThatLieAreErrors() throws {
        try IncidentLog.with { incident in
            let bytes = try incident.bundle().encoded()
            for (offset, value) in [(22, UInt32.max), (22, 0), (18, UInt32.max), (26, 0xffff), (22, 1 << 30)] {
                var lying = bytes
                withUnsafeBytes(of: value.littleEndian) { raw in
                    for place in 0..<(offset == 26 ? 2 : 4) { lying[offset + place] = raw[place] }
                }
                #expect(throws: BundleError.self) { _ = try EvidenceBundle(reading: lying) }
            }
            let many = StoredZip.pack((0..<40).map { StoredZip.Entry("f\($0)", []) })
            #expect(throws: BundleError.self) { _ = try EvidenceBundle(reading: many) }
            #expect(throws: BundleError.notABundle("it is no zip file")) { _ = try EvidenceBundle(reading: []) }
        }
    }

    // MARK: Parts

    private func forged(_ bytes: [UInt8], _ name: String, _ change: (String) -> String) throws -> [UInt8] {
        try forged(bytes, name) { Array(change(String(decoding: $0, as: UTF8.self)).utf8) }
    }

    /// Changes one file and makes the manifest and the zip again.
    private func forged(_ bytes: [UInt8], _ name: String, mutate: ([UInt8]) -> [UInt8]) throws -> [UInt8] {
        var files = try StoredZip.unpack(bytes)
        let place = try #require(files.firstIndex { $0.name == name })
        let old = files[place].bytes
        files[place] = StoredZip.Entry(name, mutate(old))
        if place > 0 {
            let manifest = String(decoding: files[0].bytes, as: UTF8.self)
            files[0] = StoredZip.Entry(
                files[0].name,
                Array(
                    manifest.replacingOccurrences(
                        of: "\"bytes\":\(old.count),\"sha256\":\"\(Digest.sha256(old))\"",
                        with:
                            "\"bytes\":\(files[place].bytes.count),\"sha256\":\"\(Digest.sha256(files[place].bytes))\""
                    ).utf8))
        }
        return StoredZip.pack(files)
    }

    private static func mutated(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        guard !bytes.isEmpty else { return [0] }
        for _ in 0...random.next() % 3 {
            let place = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 5 {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] ^= 1 << UInt8(random.next() % 8)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(contentsOf: Array("9999999999999999999".utf8), at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next() % 400)))
            }
            if bytes.isEmpty { return [0x7b] }
        }
        return bytes
    }
}

private struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

extension IncidentLog {
    func kinds(_ kind: EventKind) throws -> [SequenceNumber] {
        var found: [SequenceNumber] = []
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            if record.kind == kind.kind { found.append(record.sequence) }
            return true
        }
        return found
    }
}
