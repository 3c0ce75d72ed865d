// How many hours of simulated worlds pass in one second: the real log, router and execution in virtual time, judged by
// the auditor, as in `tools/soak simulation`. A world with a finding is no measurement.

import Dispatch
import Foundation
import Simulation

extension LogBench {
    private static let hoursOfAWorld = 24

    /// - Parameter folder: as for a log; each world has one of its own in it.
    static func simulation(_ folder: String, hours: Int) throws {
        let firstSeed = UInt64.random(in: 1...UInt64(UInt32.max))
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var (done, world, nanoseconds): (Int, UInt64, UInt64) = (0, 0, 0)
        while done < hours {
            let plan = WorldPlan(seed: firstSeed + world, hours: min(hoursOfAWorld, hours - done))
            let path = folder + "/world-\(world)"
            let began = DispatchTime.now().uptimeNanoseconds
            let verdict = try World.run(plan, folder: path)
            nanoseconds += DispatchTime.now().uptimeNanoseconds - began
            guard verdict.isGood else { fail("\(plan.text): \(verdict.findings)\n") }
            try FileManager.default.removeItem(atPath: path)
            (done, world) = (done + plan.hours, world + 1)
        }
        let seconds = Double(nanoseconds) / 1e9
        print(
            String(
                format: "{\"peer\":\"backstop\",\"mode\":\"simulation\",\"n\":%d,\"worlds\":%d,\"first_seed\":%d,"
                    + "\"rate_per_s\":%.3f,\"seconds\":%.2f}",
                done, Int(world), Int(firstSeed), Double(done) / seconds, seconds))
    }
}
