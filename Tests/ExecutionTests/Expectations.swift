// What a judgement finds, as issues of the test that asked for it.

import Programmes
import Testing

extension Judgement {
    func expectOnce(
        _ symbols: [String], othersTradeToo: Bool = false, location: SourceLocation = #_sourceLocation
    ) throws {
        for problem in try problems(symbols, othersTradeToo: othersTradeToo) {
            Issue.record("\(problem)", sourceLocation: location)
        }
    }

    func expectPositions(_ symbols: [String], location: SourceLocation = #_sourceLocation) throws {
        for problem in try positionProblems(symbols) { Issue.record("\(problem)", sourceLocation: location) }
    }
}
