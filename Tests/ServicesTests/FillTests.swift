// Two feeds of one truth: many threads report the same fills, and the position is exact.

import Foundation
import Testing

import Domain
import EventLog
import Events
import Processes
import Records
import Services

@Suite struct FillTests {
    @Test func tenThreadsReportTheSameFillsAndNoUpdateIsLostOrTakenTwice() throws {
        try withRoutedLog { log, _ in
            let appended = NSLock()
            nonisolated(unsafe) var count = 0
            let ended = DispatchSemaphore(value: 0)
            for thread in 0..<10 {
                OSThread.start("feed") {
                    // Each feed reports 60 of 100 trades, so that every trade comes from six feeds.
                    for place in 0..<60 {
                        let trade = (thread * 10 + place) % 100
                        if try! log.append([fill(trade)])[0].isAppended { appended.withLock { count += 1 } }
                    }
                    ended.signal()
                }
            }
            for _ in 0..<10 { ended.wait() }
            #expect(count == 100)
            let state = try StateReader.fold(log)
            let position = try #require(state.positions.open.first?.position)
            // 67 buys and 33 sells of 0.1 at 100.
            #expect(position.quantity.description == "3.4" && position.cost.description == "340")
            #expect(position.fills == 100 && position.fees["USDT"].description == "0.1")
        }
    }
}

private func fill(_ trade: Int) -> Draft {
    let fields = FieldMap([
        ("venue", "binance"), ("account", "main"), ("symbol", "BTCUSDT"), ("trade_id", "\(trade)"), ("order_id", "7"),
        ("side", trade.isMultiple(of: 3) && trade > 0 ? "SELL" : "BUY"), ("quantity", "0.1"), ("price", "100"),
        ("fee", "0.001"), ("fee_asset", "USDT"),
    ])
    return try! Intake.draft(
        stream: StreamCatalogue.fills.text, fields: fields, key: nil, traceID: nil, producer: "feed",
        recordedAt: Timestamp(milliseconds: 1_700_000_000_000))
}
