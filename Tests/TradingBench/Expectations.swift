// What a judgement finds, as issues of the test that asked for it.

package import Programmes
package import Testing

extension Judgement {
    package func expectOnce(
        _ symbols: [String], othersTradeToo: Bool = false, location: SourceLocation = #_sourceLocation
    ) throws {
        for problem in try problems(symbols, othersTradeToo: othersTradeToo) {
            Issue.record("\(problem)", sourceLocation: location)
        }
    }

    package func expectPositions(_ symbols: [String], location: SourceLocation = #_sourceLocation) throws {
        for problem in try positionProblems(symbols) { Issue.record("\(problem)", sourceLocation: location) }
    }
}

extension TradingLog {
    package func verify(location: SourceLocation = #_sourceLocation) throws {
        let finished = try run("verify")
        #expect(finished.status == 0, "\(finished)", sourceLocation: location)
    }
}
