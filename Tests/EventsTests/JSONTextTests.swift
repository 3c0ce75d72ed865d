// JSON: exact numbers, kept order, clear refusals, and no input that crashes the reader.

import Records
import Testing

@testable import Events

struct JSONTextTests {
    @Test(arguments: [
        #"{"b":1.10,"a":[true,false,null,"x"],"":{}}"#, "-0.0", "1e400", "[]", #""""#, "123456789012345678901234567890",
        #"{"é":"\n\t\r\"\\\u0001😀"}"#,
    ])
    func whatIsReadIsRenderedAsItWas(_ text: String) throws {
        #expect(JSONText.render(try JSONText.read(text)) == text)
    }

    @Test func escapesAndPairsAreDecoded() throws {
        #expect(try JSONText.read(#""\u00e9\ud83d\ude00\/\b\f""#) == .string("é😀/\u{8}\u{c}"))
        #expect(try JSONText.read(" [ 1 , 2 ] ") == .array([.number("1"), .number("2")]))
    }

    @Test(arguments: [
        ("", "the text ends where a value must stand at byte 0"),
        ("NaN", "NaN is not a number in JSON at byte 0"),
        ("-Infinity", "Infinity is not a number in JSON at byte 1"),
        ("[1,]", "not a JSON value at byte 3"),
        (#"{"a":1,}"#, "a member's name in quotes is missing at byte 7"),
        (#"{"a" 1}"#, "a colon is missing after a member's name at byte 5"),
        (#"{"a":1 "b":2}"#, "a comma or } is missing in an object at byte 7"),
        ("[1 2]", "a comma or ] is missing in an array at byte 3"),
        ("01", "a number with a leading zero at byte 0"),
        ("1.", "a digit is missing after the point at byte 2"),
        ("1e", "a digit is missing in an exponent at byte 2"),
        ("-", "a digit is missing in a number at byte 1"),
        ("+1", "not a JSON value at byte 0"),
        ("1 2", "something after the end of the value at byte 2"),
        (#""\x""#, "an unknown escape in a string at byte 2"),
        (#""\u12g4""#, "an escape without four hexadecimal digits at byte 3"),
        (#""\ud800""#, "half a surrogate pair in a string at byte 1"),
        (#""\ud800\u0041""#, "half a surrogate pair in a string at byte 1"),
        (#""\udc00""#, "half a surrogate pair in a string at byte 1"),
        ("\"a\nb\"", "a control character in a string at byte 2"),
        (#"{"a":1,"\u0061":2}"#, #"the member "a" stands twice at byte 7"#),
        ("tru", "not a JSON value at byte 0"),
    ])
    func brokenTextSaysWhatAndWhere(_ text: String, _ problem: String) {
        let error = #expect(throws: JSONError.self) { try JSONText.read(text) }
        #expect(error?.description == problem)
    }

    @Test func bytesThatAreNotUTF8AreRefusedWithTheirPlace() {
        let error = #expect(throws: JSONError.self) { try JSONText.read([0x22, 0x61, 0xff, 0x22]) }
        #expect(error?.offset == 2)
    }

    @Test func depthIsBounded() throws {
        let max = Limits.jsonDepthMax
        _ = try JSONText.read(String(repeating: "[", count: max) + String(repeating: "]", count: max))
        let error = #expect(throws: JSONError.self) { try JSONText.read(String(repeating: "[", count: 100_000)) }
        #expect(error?.description == "nested deeper than \(max) at byte \(max)")
    }

    static let corpus = [
        #"{"symbol":"BTCUSDT","side":"buy","q":-1.5e-3,"m":[null,true,{"x":"\ud83d\ude00"}]}"#,
        #"["\u00e9\\\"", 0, 10, {"":""}]"#,
    ]

    @Test(arguments: corpus)
    func everyPrefixIsAnError(_ text: String) throws {
        let bytes = Array(text.utf8)
        _ = try JSONText.read(bytes)
        for end in 0..<bytes.count {
            #expect(throws: JSONError.self, "prefix of \(end) bytes") { try JSONText.read(Array(bytes[..<end])) }
        }
    }

    /// What is read after any mutation must be rendered and read again to the same value.
    @Test(arguments: [1, 2, 3, 4])
    func mutatedTextNeverCrashesAndRoundTrips(_ seed: UInt64) throws {
        var random = SplitMix(seed)
        for round in 0..<10_000 {
            var bytes = Array(Self.corpus[Int(random.next() % 2)].utf8)
            for _ in 0...(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                default: bytes.insert(Array("{}[]\",:\\u0e.-".utf8)[Int(random.next() % 13)], at: place)
                }
            }
            let value: JSONValue
            do { value = try JSONText.read(bytes) } catch { continue }
            let again = try JSONText.read(JSONText.render(value))
            #expect(again == value, "seed \(seed), round \(round)")
        }
    }
}

/// Small, seeded, the same everywhere.
struct SplitMix {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
