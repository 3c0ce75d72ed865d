// Lines to import, and what an import answered.

import Programmes
import Testing

enum Messages {
    static let decisions = "quantum:stream:ai.decision.made"
    static let fills = "backstop:stream:fill"
    static let panics = "system:panic_close"

    static func decision(
        key: String, trace: String, side: String = "buy", quantity: String = "0.1", confidence: String = "0.9"
    ) -> String {
        #"{"key":"\#(key)","trace_id":"\#(trace)","symbol":"BTCUSDT","side":"\#(side)","quantity":"\#(quantity)","confidence":"\#(confidence)"}"#
    }

    /// Decisions of every fate: routed, held, of low confidence, and repeated with the same and with other
    /// content.
    static func mixedDecisions(_ count: Int, prefix: String) -> [String] {
        (0..<count).map { number in
            let (key, trace) = ("\(prefix)-\(number)", "\(prefix)-trace-\(number)")
            switch number % 10 {
            case 3: return decision(key: key, trace: trace, side: "hold")
            case 5: return decision(key: key, trace: trace, confidence: "0.1")
            case 7: return decision(key: key, trace: "\(prefix)-trace-\(number - 1)")
            case 8: return decision(key: key, trace: "\(prefix)-trace-\(number - 2)", quantity: "0.2")
            default: return decision(key: key, trace: trace)
            }
        }
    }

    static func entry(key: String, value: Int) -> String { #"{"k":"\#(key)","v":"\#(value)"}"# }
}

/// One line of `append --json`.
struct Answer {
    let outcome: String
    let sequence: Int

    init(_ line: some StringProtocol) throws {
        let row = try Row(line)
        (outcome, sequence) = (row.text("outcome"), row.number("seq"))
    }
}

extension ScratchLog {
    /// A key's sequences in one stream, as the log has them.
    func sequences(ofKeysIn stream: String) throws -> [String: [Int]] {
        var found: [String: [Int]] = [:]
        for record in try records("--stream", stream) {
            found[String(record.text("key").split(separator: "/").last ?? ""), default: []].append(record.number("seq"))
        }
        return found
    }

    /// The whole log: sequences without a gap, each decision with exactly one end, no trace with two intents.
    func expectEveryDecisionHasOneEnd(_ decisions: Int, location: SourceLocation = #_sourceLocation) throws {
        let all = try records()
        #expect(all.map { $0.number("seq") } == Array(1...max(1, all.count)), "a gap", sourceLocation: location)
        let wanted = all.filter { $0.text("kind") == "decision" }.map { $0.number("seq") }
        let ends = all.filter { ["trade.intent", "decision.refused"].contains($0.text("kind")) }
        #expect(wanted.count == decisions, sourceLocation: location)
        #expect(
            ends.map { $0.number("cause") }.sorted() == wanted, "one end for each decision", sourceLocation: location)
        let traces = ends.filter { $0.text("kind") == "trade.intent" }.map { $0.text("trace") }
        #expect(Set(traces).count == traces.count, "one intent for each trace", sourceLocation: location)
    }

    func expectRebuildIsEqual(location: SourceLocation = #_sourceLocation) throws {
        try expect(0, "rebuild", location: location)
        let checked = try rows("rebuild", "--check")
        #expect(
            checked.count >= 5 && checked.allSatisfy { $0.flag("equal") == true }, "\(checked)",
            sourceLocation: location)
    }
}
