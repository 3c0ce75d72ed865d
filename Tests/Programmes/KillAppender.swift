// An appender that is killed: it imports lines in small transactions and says after each what it was told.

import EventLog
import Events
import Foundation
import Records

enum KillAppender {
    /// Lines of one transaction.
    private static let batch = 8

    /// Arguments: the log, a file of decisions. The journal's lines: `told KEY=SEQ…`.
    static func run(_ arguments: [String]) throws {
        guard arguments.count == 2 else { throw Trouble("LOG FILE") }
        let log = try ChildLog.open(arguments[0])
        let lines = try String(contentsOfFile: arguments[1], encoding: .utf8).split(separator: "\n")
        for start in stride(from: 0, to: lines.count, by: batch) {
            let part = try lines[start..<min(lines.count, start + batch)].map { try draft($0) }
            let answers = try log.append(part.map(\.draft))
            let told = try zip(part, answers).map { drafted, answer in
                switch answer {
                case .appended(let place), .duplicate(let place): "\(drafted.key)=\(place.sequence)"
                case .conflict, .refused, .unknown: throw Trouble("\(drafted.key): \(answer)")
                }
            }
            ChildLog.say("told " + told.joined(separator: " "))
        }
        log.close()
    }

    private static func draft(_ line: Substring) throws -> (key: String, draft: Draft) {
        guard let members = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String],
            let key = members["key"]
        else { throw Trouble("a line without a key: \(line)") }
        let fields = FieldMap(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        let draft = try Intake.draft(
            stream: StreamCatalogue.decisions.text, fields: fields, key: key, traceID: nil, producer: "kill",
            recordedAt: LogClock.system.now())
        return (key, draft)
    }
}

/// Decisions of every fate: routed, held, of low confidence, and repeated with the same and with other content.
struct KillDecision {
    let key: String
    let line: String

    static func all(_ count: Int, prefix: String) -> [KillDecision] {
        (0..<count).map { number in
            let (key, trace) = ("\(prefix)-\(number)", "\(prefix)-t\(number)")
            return switch number % 10 {
            case 3: KillDecision(key, trace, side: "hold")
            case 5: KillDecision(key, trace, confidence: "0.1")
            case 7: KillDecision(key, "\(prefix)-t\(number - 1)")
            case 8: KillDecision(key, "\(prefix)-t\(number - 2)", quantity: "0.2")
            default: KillDecision(key, trace)
            }
        }
    }

    private init(
        _ key: String, _ trace: String, side: String = "buy", quantity: String = "0.1", confidence: String = "0.9"
    ) {
        self.key = key
        line =
            #"{"confidence":"\#(confidence)","key":"\#(key)","quantity":"\#(quantity)","side":"\#(side)","symbol":"BTCUSDT","trace_id":"\#(trace)"}"#
    }
}
