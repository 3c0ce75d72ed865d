// Is a bundle what the log held? Every hash is computed again from the bytes, every state from the one before it, every line
// that people read from what it is made of. What it cannot show by itself it says: whether this is the log at all is shown
// only by a head that was kept elsewhere.

internal import Domain
internal import Events
package import Records

package struct BundleCheck: Sendable {
    /// What is wrong; empty: nothing.
    package private(set) var findings: [String] = []
    /// Records whose state after them was computed from the state before.
    package private(set) var recomputedStates = 0
    /// Records that are bound to their own hash alone: no link leads from them to the bundle's span.
    package private(set) var looseRecords = 0
    package private(set) var withheldRecords = 0
    /// Whether what people read was made again; not where another version made it.
    package private(set) var remadePages = false
    private let bundle: EvidenceBundle
    private let reading: BundleReading

    /// - Parameters:
    ///   - bytes: the file that the bundle was read from.
    ///   - known: a head that was kept elsewhere.
    ///   - version: as `madeBy`.
    package init(_ bundle: EvidenceBundle, bytes: [UInt8], known: Head?, version: String) {
        self.bundle = bundle
        reading = BundleReading(bundle)
        checkRecords()
        checkChain(known)
        checkStates()
        guard findings.isEmpty, bundle.madeBy == version else { return }
        remadePages = true
        // Bytes that cannot be made again are not the ones that were made.
        if (try? bundle.encoded()) != bytes {
            fail("what people read in it (data, changes, page.html) is not what its records give")
        }
    }

    private mutating func fail(_ what: String) {
        if findings.count < Limits.bundleFindingsMax { findings.append(what) }
    }

    // MARK: Records

    private mutating func checkRecords() {
        var last = SequenceNumber.none
        let all = Set(bundle.records.map(\.sequence.rawValue))
        for record in bundle.records {
            if record.sequence <= last { fail("record \(record.sequence) stands behind \(last)") }
            last = record.sequence
            if let problem = record.problem { fail("record \(record.sequence): \(problem)") }
            let cause = record.link.span.bytes.loadUInt64(at: Header.Offset.cause)
            if record.isEvent, cause > 0, !all.contains(cause) {
                fail("record \(cause), which led to \(record.sequence), is left out")
            }
            if let problem = contentProblem(record) { fail("record \(record.sequence): \(problem)") }
        }
        if last > bundle.head.sequence { fail("record \(last) stands behind the head \(bundle.head.sequence)") }
        if !bundle.records.contains(where: { $0.sequence == bundle.subject && $0.why.contains(.subject) }) {
            fail("record \(bundle.subject), which it is about, is not in it")
        }
    }

    private mutating func contentProblem(_ record: BundledRecord) -> String? {
        guard case .whole(let bytes) = record.content else {
            withheldRecords += 1
            return nil
        }
        do {
            let view = try RecordView(checking: bytes.span.bytes)
            let stream = view.stream == .none ? nil : reading.stream(view.stream)
            guard view.stream == .none || stream != nil else { return nil }  // its stream's record is not in the bundle
            let facts = try EventRules.facts(view.kind, body: view.body.array())
            let content = LogRules.contentDigest(stream: stream, kind: view.kind, identity: facts.identity)
            return content == view.content ? nil : "its content digest is not that of its body"
        } catch { return "\(error)" }
    }

    // MARK: The chain

    private mutating func checkChain(_ known: Head?) {
        guard let span = bundle.span else {
            looseRecords = bundle.records.count
            if !bundle.links.isEmpty { fail("it has links of no span") }
            if let known { checkLoose(known) }
            return
        }
        let (first, last) = (span.first.rawValue, span.last.sequence.rawValue)
        guard first >= 1, first <= last, last <= bundle.head.sequence.rawValue,
            last - first < UInt64(Limits.bundleLinksMax),
            bundle.links.count == Int(last - first + 1) * BundleSpan.linkByteCount
        else { return fail("its links are not those of records \(first) to \(last)") }
        if first == 1, span.before != bundle.origin.genesis { fail("its chain does not begin with the log's id") }
        let records = Dictionary(bundle.records.map { ($0.sequence, $0) }) { one, _ in one }
        let events = Set(bundle.records.filter(\.isEvent).map(\.sequence.rawValue))
        var hash = span.before
        for sequence in first...last {
            let place = Int(sequence - first) * BundleSpan.linkByteCount
            let link = Array(bundle.links[place..<place + BundleSpan.linkByteCount])
            if link.span.bytes.loadUInt64(at: Header.Offset.sequence) != sequence {
                return fail("link \(sequence) is another record's")
            }
            let cause = link.span.bytes.loadUInt64(at: Header.Offset.cause)
            if events.contains(cause), records[SequenceNumber(sequence)] == nil {
                fail("record \(sequence), which followed from \(cause), is left out")
            }
            let previous = hash
            hash = Chain.hash(
                previous: previous, header: Array(link[..<Header.Offset.hash]),
                tailDigest: Digest(link.span.bytes, at: Header.Offset.hash))
            if let record = records[SequenceNumber(sequence)],
                record.previous != previous || record.hash != hash || record.link != link
            {
                return fail("record \(sequence) is not the one that the chain has there")
            }
            if let known, known.sequence.rawValue == sequence, known.hash != hash {
                fail(
                    "record \(sequence) has another hash than the head that was given: it is another log's, or rewritten"
                )
            }
        }
        if hash != span.last.hash { fail("its links do not lead to \(span.last)") }
        if span.last.sequence == bundle.head.sequence, span.last != bundle.head {
            fail("its links do not lead to its head")
        }
        looseRecords = bundle.records.count { $0.sequence < span.first || $0.sequence > span.last.sequence }
        if let known, known.sequence < span.first || known.sequence > span.last.sequence { checkLoose(known) }
    }

    /// A head outside of the span speaks only of a record that is in the bundle.
    private mutating func checkLoose(_ known: Head) {
        guard let record = bundle.records.first(where: { $0.sequence == known.sequence }) else {
            return fail("it cannot show whether it is of the log with head \(known.sequence): it has no link to it")
        }
        if record.hash != known.hash { fail("record \(known.sequence) has another hash than the head that was given") }
    }

    // MARK: States

    private mutating func checkStates() {
        for part in bundle.parts {
            if let encoded = part.encoded, encoded.digest != part.digest {
                fail("projection \(part.name): its bytes do not give its digest")
            }
        }
        for record in bundle.records {
            guard case .whole(let bytes) = record.content else { continue }
            do {
                guard var state = try reading.state(record.sequence.previous),
                    let after = reading.digests(record.sequence)
                else { continue }
                try state.apply(try RecordView(checking: bytes.span.bytes))
                if state.encodedParts.map(\.digest) == after {
                    recomputedStates += 1
                } else {
                    fail("record \(record.sequence): the state after it is not what it makes of the state before")
                }
            } catch { fail("record \(record.sequence): its states: \(error)") }
        }
    }
}
