// The language of `query --where`: what it says of data, and that whatever cannot be read says where.

import Events
import Records
import Testing

@Suite struct ConditionTests {
    static let data = JSONValue.object([
        JSONMember("symbol", .string("BTCUSDT")), JSONMember("reason", .string("connection Timeout, gave up")),
        JSONMember("quantity", .string("0.50")), JSONMember("price", .string("9007199254740993")),
        JSONMember("leg", .number("2")), JSONMember("given_up", .bool(true)), JSONMember("none", .null),
        JSONMember("failed_symbols", .array([.string("ETHUSDT"), .string("XRPUSDT")])),
        JSONMember("error_text", .string("a \"quoted\" \\ word")), JSONMember("umlaut", .string("Größe")),
        JSONMember(
            "settings",
            .object([JSONMember("router.confidence_min", .object([JSONMember("value", .string("0.6"))]))])),
    ])

    static let holds: [(String, Bool)] = [
        ("symbol = BTCUSDT", true), ("symbol=BTCUSDT", true), ("symbol = btcusdt", false),
        ("symbol != ETHUSDT", true), ("symbol != BTCUSDT", false),
        ("reason ~= timeout", true), ("reason ~= \"TIMEOUT, GAVE\"", true), ("reason ~= refused", false),
        ("quantity = 0.5", true), ("quantity = 5e-1", true), ("quantity = \"0.5\"", false),
        ("quantity = \"0.50\"", true), ("quantity != 0.5", false), ("quantity >= 0.5", true), ("quantity > 0.5", false),
        ("quantity < 0.50000000000000001", true), ("quantity <= 0.4999", false), ("quantity > -1", true),
        // Where a Double sees no difference.
        ("price = 9007199254740992", false), ("price > 9007199254740992", true), ("price < 9007199254740994", true),
        ("leg = 2", true), ("leg >= 10", false), ("leg = 2.0", true), ("given_up = true", true),
        ("given_up = false", false), ("none = null", true), ("symbol > 5", false), ("symbol != 5", true),
        ("failed_symbols = XRPUSDT", true), ("failed_symbols ~= eth", true), ("failed_symbols = BTCUSDT", false),
        ("settings.router.confidence_min.value = 0.60", true), ("settings.router.confidence_min.value > 0.7", false),
        ("settings ~= confidence", true), ("symbol like \"BTC*\"", true), ("symbol like BTC?SDT", true),
        ("symbol like *USDT", true), ("symbol like *", true), ("symbol like BTC", false), ("symbol like b*", false),
        ("symbol like *T*T", true), ("umlaut like Gr??e", true), ("umlaut ~= größe", true),
        ("error_text = \"a \\\"quoted\\\" \\\\ word\"", true),
        // What is not there fulfils nothing, and `not` of it does.
        ("missing = 1", false), ("missing != 1", false), ("not missing = 1", true), ("settings.missing = 1", false),
        ("symbol = BTCUSDT and leg = 2", true), ("symbol = BTCUSDT and leg = 3", false),
        ("symbol = X or leg = 2", true), ("symbol = X or leg = 3", false),
        // `and` binds closer than `or`, `not` closest.
        ("leg = 2 or leg = 3 and symbol = X", true), ("(leg = 2 or leg = 3) and symbol = X", false),
        ("not symbol = X and leg = 2", true), ("not (symbol = BTCUSDT and leg = 2)", false),
        ("NOT symbol = X AND (leg=2 OR leg=9)", true), ("not not leg = 2", true), ("((leg = 2))", true),
        ("\"symbol\" = BTCUSDT", true), ("android = 1 or symbol = BTCUSDT", true), ("symbol = and", false),
        ("  symbol\t=\nBTCUSDT ", true),
    ]

    @Test(arguments: holds) func aConditionSaysWhatItSays(text: String, expected: Bool) throws {
        #expect(try ConditionParser.read(text).holds(in: ConditionTests.data) == expected)
    }

    static let broken: [(String, Int, String)] = [
        ("", 0, "field"), ("   ", 3, "field"), ("symbol", 6, "expected"), ("symbol =", 8, "value"),
        ("symbol = \"BTC", 9, "quote"), ("symbol BTC", 7, "="), ("symbol == BTC", 8, "value"), ("= 1", 0, "field"),
        ("a = 1 b = 2", 6, "and"), ("a = 1 and", 9, "field"), ("a = 1 and and b = 2", 10, "field"),
        ("(a = 1", 6, "bracket"), ("a = 1)", 5, "and"), ("()", 1, "field"), ("not", 3, "field"), ("a..b = 1", 0, "dot"),
        (".a = 1", 0, "dot"), ("a = \"x\\n\"", 6, "backslash"), ("a = 1 xor b = 2", 6, "or"), ("a ~ 1", 2, "~="),
        ("a =~ 1", 3, "value"), ("a = 12345678901234567890123", 4, "quote it"), ("a = 1e99", 4, "range"),
        ("a <> 1", 3, "value"), ("größe ! 1", 8, "="), ("a = 'x'", 4, "value"), ("a = (1)", 4, "value"),
    ]

    @Test(arguments: broken) func whatCannotBeReadSaysWhere(text: String, offset: Int, says: String) {
        let error = #expect(throws: ConditionError.self) { _ = try ConditionParser.read(text) }
        #expect(error?.offset == offset, "\(text): \(error.map { "\($0)" } ?? "")")
        #expect(error?.problem.contains(says) == true, "\(text): \(error.map { "\($0)" } ?? "")")
    }

    @Test func boundsAreErrorsAndNoCrash() throws {
        let deep = String(repeating: "(", count: 31) + "a = 1" + String(repeating: ")", count: 31)
        _ = try ConditionParser.read(deep)
        let many = (0..<64).map { "f\($0) = 1" }.joined(separator: " or ")
        _ = try ConditionParser.read(many)
        let tooMuch = [
            "(" + deep + ")", String(repeating: "(", count: 4_000), String(repeating: "not ", count: 1_000) + "a = 1",
            many + " or g = 1", "a = " + String(repeating: "x", count: Limits.conditionBytesMax),
            "a like " + String(repeating: "*", count: Limits.conditionPatternBytesMax + 1),
        ]
        for text in tooMuch {
            let error = #expect(throws: ConditionError.self) { _ = try ConditionParser.read(text) }
            #expect((0...text.utf8.count).contains(error?.offset ?? -1))
        }
    }

    @Test func aTextThatIsCutAnywhereIsReadOrSaysWhere() {
        for (text, _) in ConditionTests.holds {
            for end in text.indices {
                let part = String(text[..<end])
                do { _ = try ConditionParser.read(part) } catch {
                    #expect((0...part.utf8.count).contains(error.offset), "\(part): \(error)")
                }
            }
        }
    }

    @Test func anyTextIsReadOrSaysWhere() {
        var random = SystemRandomNumberGenerator()
        let words = [
            "a", "b.c", "=", "!=", "<", "<=", "~=", "like", "and", "or", "not", "(", ")", "\"", "\\", "1", "0.5", " ",
            "é",
            "\u{1b}", "*", "-", "\n", "🙂",
        ]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...14, using: &random)).map { _ in words.randomElement(using: &random)! }
                .joined()
            do { _ = try ConditionParser.read(text) } catch {
                #expect((0...text.utf8.count).contains(error.offset), "\(text): \(error)")
            }
        }
    }

    @Test func aPatternTakesNoLongerThanTextTimesPattern() {
        let text = String(repeating: "a", count: 5_000)
        #expect(!TextMatch.isLike(text, String(repeating: "a*", count: 120) + "b"))
    }
}
