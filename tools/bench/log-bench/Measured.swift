// A measurement: how many, how long, and each call's latency.

import Foundation

final class Measured: @unchecked Sendable {
    private var latencies: [[UInt64]]
    private var began: UInt64 = 0
    private(set) var nanoseconds: UInt64 = 0
    private(set) var count = 0

    init(callers: Int) { latencies = Array(repeating: [], count: callers) }

    func begin() { began = DispatchTime.now().uptimeNanoseconds }
    /// Each caller writes to a place of its own.
    func add(_ caller: Int, _ nanoseconds: UInt64) {
        latencies.withUnsafeMutableBufferPointer { $0[caller].append(nanoseconds) }
    }
    func end(count: Int) {
        nanoseconds = DispatchTime.now().uptimeNanoseconds - began
        self.count = count
    }

    func json(_ mode: String, more: String = "") -> String {
        let sorted = latencies.flatMap { $0 }.sorted()
        let rate = Double(count) / (Double(nanoseconds) / 1e9)
        var text = "{\"peer\":\"backstop\",\"mode\":\"\(mode)\",\"n\":\(count),\"rate_per_s\":\(Int(rate))"
        text += String(format: ",\"seconds\":%.4f", Double(nanoseconds) / 1e9)
        if !sorted.isEmpty {
            text += String(format: ",\"median_us\":%.1f", Double(sorted[sorted.count / 2]) / 1e3)
            text += String(format: ",\"p99_us\":%.1f", Double(sorted[sorted.count * 99 / 100]) / 1e3)
        }
        return text + more + "}"
    }
}
