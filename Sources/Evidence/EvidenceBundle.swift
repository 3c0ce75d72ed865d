// All the evidence of one incident in one file. What is evidence stands in it as bytes; what people read (shown data, what
// changed, the page) is made from those bytes alone, so whoever checks can make it again. schemas/bundle.md gives the format.
// It must never hold a time of its making, or anything else that two makers of the same evidence would not share.

internal import Domain
internal import Events
package import Records

package struct EvidenceBundle: Equatable, Sendable {
    package static let format = "backstop-bundle 1"

    /// `backstop 0.1.0`: the readable parts of another version may be worded otherwise.
    package let madeBy: String
    package let id: LogID
    package let origin: LogID
    package let subject: SequenceNumber
    /// Of the log when it was made.
    package let head: Head
    package let span: BundleSpan?
    /// Links of the span, each 152 bytes: header without hash, digest of the tail.
    package let links: [UInt8]
    package let records: [BundledRecord]
    package let states: [BundledState]
    let parts: [BundledPart]

    init(
        madeBy: String, id: LogID, origin: LogID, subject: SequenceNumber, head: Head, span: BundleSpan?,
        links: [UInt8], records: [BundledRecord], states: [BundledState], parts: [BundledPart]
    ) {
        (self.madeBy, self.id, self.origin, self.subject, self.head) = (madeBy, id, origin, subject, head)
        (self.span, self.links, self.records, self.states, self.parts) = (span, links, records, states, parts)
    }

    // MARK: Writing

    package func encoded() throws(BundleError) -> [UInt8] {
        let reading = BundleReading(self)
        var files = [
            StoredZip.Entry("records.jsonl", EvidenceBundle.lines(records.map { $0.json(reading.shown($0)) })),
            StoredZip.Entry("states.jsonl", EvidenceBundle.lines(states.map(\.json))),
            StoredZip.Entry("parts.jsonl", EvidenceBundle.lines(parts.map(\.json))),
            StoredZip.Entry("changes.jsonl", EvidenceBundle.lines(reading.changes)),
            StoredZip.Entry("page.html", Array(BundlePage.render(self, reading).utf8)),
        ]
        if span != nil { files.append(StoredZip.Entry("chain.bin", links)) }
        let manifest = StoredZip.Entry("manifest.json", Array((JSONText.render(manifest(files)) + "\n").utf8))
        let size = files.reduce(0) { $0 + $1.bytes.count }
        guard size <= Limits.bundleBytesMax - Limits.bundleOverheadBytesMax else { throw .tooLarge(size) }
        return StoredZip.pack([manifest] + files)
    }

    private static func lines(_ values: [JSONValue]) -> [UInt8] {
        values.flatMap { Array(JSONText.render($0).utf8) + [0x0a] }
    }

    private func manifest(_ files: [StoredZip.Entry]) -> JSONValue {
        .object([
            JSONMember("format", .string(EvidenceBundle.format)), JSONMember("made_by", .string(madeBy)),
            JSONMember("log_id", .string("\(id)")), JSONMember("origin", .string("\(origin)")),
            JSONMember("subject", .number("\(subject)")), JSONMember("head", .string("\(head)")),
            JSONMember("chain", span?.json ?? .null),
            JSONMember(
                "files",
                .array(
                    files.map { file in
                        .object([
                            JSONMember("name", .string(file.name)), JSONMember("bytes", .number("\(file.bytes.count)")),
                            JSONMember("sha256", .string(Digest.sha256(file.bytes).hex)),
                        ])
                    })),
        ])
    }

    // MARK: Reading

    /// Throws for bytes that are no bundle, or not the bytes that were made; what they say is checked by `BundleCheck`.
    package init(reading bytes: [UInt8]) throws(BundleError) {
        guard bytes.count <= Limits.bundleBytesMax else { throw .tooLarge(bytes.count) }
        let files = try StoredZip.unpack(bytes)
        guard let first = files.first, first.name == "manifest.json" else {
            throw .notABundle("its first file is not manifest.json")
        }
        let manifest = try EvidenceBundle.json(first.bytes, "manifest.json")
        let fields = BundleFields(manifest, "manifest.json")
        let format = try fields.text("format")
        guard format == EvidenceBundle.format else { throw .notABundle("its format is \"\(format.prefix(40))\"") }
        try EvidenceBundle.checkFiles(Array(files.dropFirst()), manifest)
        let span = manifest["chain"] == .null ? nil : try BundleSpan(reading: try fields.object("chain"))
        var contents: [String: [UInt8]] = [:]
        for file in files { contents[file.name] = file.bytes }
        self.init(
            madeBy: try fields.text("made_by"), id: try fields.id("log_id"), origin: try fields.id("origin"),
            subject: SequenceNumber(try fields.number("subject")), head: try fields.head("head"), span: span,
            links: contents["chain.bin"] ?? [],
            records: try EvidenceBundle.read(contents, "records.jsonl") { value throws(BundleError) in
                try BundledRecord(reading: value)
            },
            states: try EvidenceBundle.read(contents, "states.jsonl") { value throws(BundleError) in
                try BundledState(reading: value)
            },
            parts: try EvidenceBundle.read(contents, "parts.jsonl") { value throws(BundleError) in
                try BundledPart(reading: value)
            })
    }

    private static func checkFiles(_ files: [StoredZip.Entry], _ manifest: JSONValue) throws(BundleError) {
        guard case .array(let listed) = manifest["files"], listed.count == files.count else {
            throw .altered("its files are not those that the manifest lists")
        }
        for (file, entry) in zip(files, listed) {
            let fields = BundleFields(entry, "manifest.json")
            guard try fields.text("name") == file.name, try fields.digest("sha256") == Digest.sha256(file.bytes) else {
                throw .altered("\(file.name) is not the file that the manifest lists")
            }
        }
    }

    private static func json(_ bytes: [UInt8], _ name: String) throws(BundleError) -> JSONValue {
        do { return try JSONText.read(bytes) } catch { throw .altered("\(name): \(error)") }
    }

    private static func read<Item>(
        _ files: [String: [UInt8]], _ name: String, _ item: (JSONValue) throws(BundleError) -> Item
    ) throws(BundleError) -> [Item] {
        guard let bytes = files[name] else { throw .altered("\(name) is missing") }
        var items: [Item] = []
        for line in bytes.split(separator: 0x0a) {
            guard items.count < Limits.bundleLinesMax else { throw .altered("\(name) has too many lines") }
            items.append(try item(try json(Array(line), name)))
        }
        return items
    }
}

/// The part of the chain that a bundle proves link by link.
package struct BundleSpan: Equatable, Sendable {
    package static let linkByteCount = Header.Offset.hash + Digest.byteCount

    /// The hash before its first record.
    package let before: Digest
    package let first: SequenceNumber
    package let last: Head

    init(before: Digest, first: SequenceNumber, last: Head) {
        (self.before, self.first, self.last) = (before, first, last)
    }

    var json: JSONValue {
        .object([
            JSONMember("before", .string(before.hex)), JSONMember("first", .number("\(first)")),
            JSONMember("last", .string("\(last)")),
        ])
    }

    init(reading value: JSONValue) throws(BundleError) {
        let fields = BundleFields(value, "manifest.json")
        self.init(
            before: try fields.digest("before"), first: SequenceNumber(try fields.number("first")),
            last: try fields.head("last"))
    }
}
