// The bytes of format version 1, as schemas/record.md gives them. They are read for ever: a change here is
// a new version, never an edit.

import Testing

import Records

@Suite struct GoldenBytesTests {
    static let header = Header(
        kind: Kind(0x0102), flags: Header.Flag.userKey, sequence: SequenceNumber(0x0304),
        session: SequenceNumber(0x05), recordedAt: Timestamp(nanoseconds: 0x0607),
        monotonicAt: BootInstant(nanoseconds: 0x08), cause: SequenceNumber(0x09), basis: SequenceNumber(0x0a),
        stream: StreamNumber(0x0b), entryID: EntryID(0x0c, 0x0d), keyLength: 1, traceLength: 2, producerLength: 3,
        bodyLength: 6, content: Digest.sha256("content"))

    static let goldenHeader =
        "010002010100000004030000000000000500000000000000070600000000000008000000000000000900000000000000"
        + "0a000000000000000b000000010002000300000006000000" + "0c000000000000000d00000000000000"
        + "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"

    private func record() -> [UInt8] {
        let tail = Array("kttppp".utf8) + [2, 0, 0, 0, 0, 7]
        let encoded = GoldenBytesTests.header.encodedWithoutHash()
        let hash = Chain.hash(previous: .zero, header: encoded, tailDigest: Digest.sha256(tail))
        return encoded + hash.bytes + tail
    }

    @Test func theHeaderIsByteForByteWhatVersionOneSays() {
        #expect(Hex.encode(GoldenBytesTests.header.encodedWithoutHash()) == GoldenBytesTests.goldenHeader)
    }

    @Test func theHashCoversPreviousHeaderAndTail() {
        // sha256(32 zero bytes ‖ header ‖ sha256(tail)), computed once with another program.
        let hash = Hex.encode(Array(record()[Header.Offset.hash..<Header.byteCount]))
        #expect(hash == "befca3ebb49890f0f89c19a136e5aa8a746ef1a05cbc9580a087f82088d2e7c2")
    }

    @Test func aRecordReadsBackAsItWasWritten() throws {
        let bytes = record()
        let record = try RecordView(checking: bytes.span.bytes).record()
        var expected = GoldenBytesTests.header
        expected.hash = record.header.hash
        #expect(record.header == expected)
        #expect(record.key == .user("k") && record.traceID == "tt" && record.producer == "ppp")
        #expect(record.body == [2, 0, 0, 0, 0, 7])
    }

    @Test func everyCutAndEveryLieAboutALengthIsAnError() {
        let bytes = record()
        for length in 0..<bytes.count {
            let cut = Array(bytes[..<length])
            #expect(throws: RecordError.self) { _ = try RecordView(checking: cut.span.bytes) }
        }
        for offset in [
            Header.Offset.keyLength, Header.Offset.traceLength, Header.Offset.bodyLength, Header.Offset.format,
            Header.Offset.flags + 1, Header.Offset.reserved,
        ] {
            var lying = bytes
            lying[offset] ^= 0x20
            #expect(throws: RecordError.self) { _ = try RecordView(checking: lying.span.bytes) }
        }
    }

    @Test func aBodyIsItsFieldsThenItsTypedMessage() throws {
        let fields = FieldMap([("a", "1"), ("a", "2"), ("", "")])
        let body = Body(fields: fields, typed: [9, 9])
        #expect(Hex.encode(body.bytes) == "0b000000" + "03" + "01610131" + "01610132" + "0000" + "0909")
        #expect(try Body.fields(body.bytes.span.bytes) == fields)
        for length in 0..<body.bytes.count - 2 {
            let cut = Array(body.bytes[..<length])
            #expect(throws: RecordError.self) { _ = try Body.fields(cut.span.bytes) }
        }
    }

    @Test func keyHashesAndContentDigestsAreStable() throws {
        let stream = try StreamName("s")
        #expect(IdempotencyKey.user("k").qualified(stream: stream) == "user/s/k")
        #expect(
            Hex.encode(IdempotencyKey.own("trade.intent/t").hash(stream: nil).bytes)
                == "a5c53b53dac2db920dceddc0aff36925")
        // A stream's name and a key never run into each other.
        let (a, ab) = (try StreamName("a"), try StreamName("a/b"))
        #expect(IdempotencyKey.user("c").hash(stream: ab) != IdempotencyKey.user("b/c").hash(stream: a))
        let digest = LogRules.contentDigest(stream: stream, kind: Kind(16), identity: [1, 2])
        #expect(digest.hex == "83d8c83dafce0b6005ac5d1c4cf865d430da12dc237f4683b5dd4b16fff27a6e")
    }

    /// Damaged bytes are an error or another record, never a trap.
    @Test func randomDamageNeverTraps() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(truncatingIfNeeded: state >> 33) % bound
        }
        let fields = FieldMap([("a", "1"), ("longer", String(repeating: "v", count: 40))])
        let body = Body(fields: fields, typed: [1, 2, 3]).bytes
        var read = 0
        for _ in 0..<20_000 {
            var bytes = record()
            for _ in 0..<1 + random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
            if random(3) == 0 { bytes.removeLast(random(bytes.count)) }
            var damaged = body
            for _ in 0..<1 + random(4) { damaged[random(damaged.count)] = UInt8(random(256)) }
            do { _ = try RecordView(checking: bytes.span.bytes).record() } catch { read += 1 }
            do { _ = try Body.fields(damaged.span.bytes) } catch { read += 1 }
        }
        #expect(read > 1_000, "seed \(seed)")
    }
}
