// What the exchange does not answer is asked again, and never at once: whoever asks without a pause uses up what is left of
// its limits. Judged by when the exchange says that requests came in.

import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct RetryTests {
    @Test func aGapThatCannotBeFilledIsAskedForAgainAfterAPause() throws {
        let arrivals = FileManager.default.temporaryDirectory.path + "/arrivals-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: arrivals) }  // harms no test
        let exchange = try Exchange(["--arrivals", arrivals])
        try exchange.fault(
            #"{"kind":"reject","code":-1000,"msg":"unknown","method":"GET","path":"/fapi/v3/positionRisk","times":1000}"#
        )
        try withTradingLog(exchange) { log in
            let service = try log.serve("recovery", ["feeds.stream=false", "feeds.interval_ms=1000000"])
            func asked() throws -> [Int] {
                try String(contentsOfFile: arrivals, encoding: .utf8).split(separator: "\n")
                    .filter { $0.hasSuffix(" GET /fapi/v3/positionRisk") }.compactMap { Int($0.prefix { $0 != " " }) }
            }
            try log.wait("it asked three times") { try asked().count >= 3 }
            try log.stop(service)
            let times = try asked()
            let pauses = zip(times, times.dropFirst()).map { ($1 - $0) / 1_000_000 }
            #expect(pauses.allSatisfy { $0 >= 900 }, "\(pauses) ms")
        }
    }
}
