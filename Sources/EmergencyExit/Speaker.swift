// What the worker says to people, on standard error, and the last place for its journal. A reader that stands still must
// not hold the worker up: lines wait up to a bound and are then dropped, and counted.

internal import Glibc
internal import Records
internal import Synchronization

package final class Speaker: Sendable {
    private let thread = PatientThread("speaker", tasksMax: Limits.exitTextLinesWaitingMax)
    private let dropped = Atomic<Int>(0)
    private let name: String

    package init(_ name: String) { self.name = name }

    package func say(_ text: String) { put("info", text) }
    package func warn(_ text: String) { put("warning", text) }
    package func alarm(_ text: String) { put("critical", text) }

    private func put(_ level: String, _ text: String) {
        let line = "\(Speaker.stamp()) \(level) \(name): \(text)\n"
        if !thread.give({ _ = Speaker.write(line) }) { dropped.add(1, ordering: .relaxed) }
    }

    /// True where standard error took the lines by then.
    func record(_ lines: [String], within milliseconds: Int) -> Bool {
        let text = lines.map { "journal \($0)\n" }.joined()
        return thread.result(within: milliseconds) { Speaker.write(text) } ?? false
    }

    /// What waits is written, for at most so long.
    package func flush(within milliseconds: Int) { _ = thread.result(within: milliseconds) { true } }

    private static func write(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    private static func stamp() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var seconds = now.tv_sec
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let thousandths = String(1_000 + now.tv_nsec / 1_000_000).dropFirst()
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(thousandths)Z"
    }
}
