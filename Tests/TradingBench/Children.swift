// What /proc says of processes.

import Foundation

package enum Children {
    package static func of(_ parent: Int32) -> [Int32] {
        // A process may end meanwhile.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap(Int32.init).filter { stat($0)?.parent == parent }
    }

    package static func stands(_ pid: Int32) -> Bool { stat(pid)?.state == "T" }

    private static func stat(_ pid: Int32) -> (state: String, parent: Int32)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),  // it may have ended
            let words = text.split(separator: ")").last?.split(separator: " "), words.count > 1,
            let parent = Int32(words[1])
        else { return nil }
        return (String(words[0]), parent)
    }
}
