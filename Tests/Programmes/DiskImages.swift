// The data files of one log as a disk could hold them after the power went, all at one moment: the log's, and that of
// its key index, which other threads write at the same time.

import Foundation

struct DiskImages {
    /// Below the log's folder.
    static let files = ["log/data.mdb", "keys/data.mdb"]

    struct Step {
        let file: Int
        let step: DiskImage.Step
    }

    private var images: [DiskImage]

    init(bases: [[UInt8]], source: [UInt8]) { images = bases.map { DiskImage(base: $0, source: source) } }

    /// What happens to all files, in the order in which it was done. A mark is the log's.
    static func steps(_ trace: CallTrace, _ flushes: Flushes) -> [Step] {
        let paths = files.map { trace.paths.firstIndex(of: $0) }
        return trace.events.flatMap { event -> [Step] in
            if event.kind == .mark { return [Step(file: 0, step: .mark)] }
            guard let file = paths.firstIndex(of: event.path) else { return [] }
            return DiskImage.steps(event, flushes).map { Step(file: file, step: $0) }
        }
    }

    mutating func take(_ step: Step) { images[step.file].take(step.step) }
    mutating func follow(_ step: Step) { images[step.file].follow(step.step) }

    var marks: Int { images[0].marks }
    var unsyncedCount: Int { images.reduce(0) { $0 + $1.unsyncedCount } }
    var endsInMetaPage: Bool { images[0].endsInMetaPage }

    /// Files that the disk could hold now.
    func state(_ survival: Survival, _ random: inout SeededGenerator) -> [[UInt8]] {
        images.map { $0.state(survival, &random) }
    }
}
