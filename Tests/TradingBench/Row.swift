// One JSON object of an answer, whoever gave it: a program's line or the exchange's body.

package import Events
import Foundation
import Programmes

package struct Row: CustomStringConvertible {
    package let members: [String: Any]

    package init(_ members: [String: Any]) { self.members = members }

    package init(_ line: some StringProtocol) throws {
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        guard let members = value as? [String: Any] else { throw Trouble("no JSON object: \(line)") }
        self.members = members
    }

    /// Nothing that is missing or of another type passes for a value that a test expects.
    package func text(_ name: String) -> String { members[name] as? String ?? "(no text \(name))" }
    package func number(_ name: String) -> Int { (members[name] as? NSNumber)?.intValue ?? -1 }
    package func flag(_ name: String) -> Bool? { (members[name] as? NSNumber)?.boolValue }
    package func row(_ name: String) -> Row { Row(members[name] as? [String: Any] ?? [:]) }
    package func rows(_ name: String) -> [Row] { (members[name] as? [[String: Any]] ?? []).map { Row($0) } }
    package func decimal(_ name: String) throws -> ExactDecimal { try ExactDecimal(text(name)) }

    package var description: String {
        "{" + members.keys.sorted().map { "\($0): \(members[$0] ?? "")" }.joined(separator: ", ") + "}"
    }
}

extension [ExactDecimal] {
    package func sum() throws -> ExactSum {
        var sum = ExactSum.zero
        for value in self { sum = try sum.adding(ExactSum(value)) }
        return sum
    }
}
