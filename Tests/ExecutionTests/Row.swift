// One JSON object of an answer, whoever gave it: a program's line or the exchange's body.

import Events
import Foundation
import Programmes

struct Row: CustomStringConvertible {
    let members: [String: Any]

    init(_ members: [String: Any]) { self.members = members }

    init(_ line: some StringProtocol) throws {
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        guard let members = value as? [String: Any] else { throw Trouble("no JSON object: \(line)") }
        self.members = members
    }

    /// Nothing that is missing or of another type passes for a value that a test expects.
    func text(_ name: String) -> String { members[name] as? String ?? "(no text \(name))" }
    func number(_ name: String) -> Int { (members[name] as? NSNumber)?.intValue ?? -1 }
    func flag(_ name: String) -> Bool? { (members[name] as? NSNumber)?.boolValue }
    func row(_ name: String) -> Row { Row(members[name] as? [String: Any] ?? [:]) }
    func rows(_ name: String) -> [Row] { (members[name] as? [[String: Any]] ?? []).map { Row($0) } }
    func decimal(_ name: String) throws -> ExactDecimal { try ExactDecimal(text(name)) }

    var description: String {
        "{" + members.keys.sorted().map { "\($0): \(members[$0] ?? "")" }.joined(separator: ", ") + "}"
    }
}

extension [ExactDecimal] {
    func sum() throws -> ExactSum {
        var sum = ExactSum.zero
        for value in self { sum = try sum.adding(ExactSum(value)) }
        return sum
    }
}
