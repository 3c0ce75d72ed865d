// One seed is one world: the same verdict every time, another one for another seed.

import Foundation
import Simulation
import Testing

@Suite struct WorldTests {
    @Test func theSameSeedGivesTheSameVerdict() throws {
        let first = try verdict(WorldPlan(seed: 11, hours: 2))
        #expect(try verdict(WorldPlan(seed: 11, hours: 2)) == first)
        #expect(try verdict(WorldPlan(seed: 12, hours: 2)).digest != first.digest)
        #expect(first.findings == [])
    }
}

private func verdict(_ plan: WorldPlan) throws -> WorldVerdict {
    let root = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let folder = root + "/backstop-world-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try World.run(plan, folder: folder)
}
