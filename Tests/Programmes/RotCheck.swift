// A child that is asked again and again what a file serves whose bytes somebody changes: nothing (it found the
// damage), the same as before, or something else. A damaged page may end it.

import EventLog
import Foundation
import Glibc

enum RotCheck {
    /// `log-soak child rot-check FOLDER PRISTINE`; each line of input is `verify` or `read`.
    static func child(_ arguments: [String]) throws {
        guard arguments.count == 2 else { throw Trouble("rot-check FOLDER PRISTINE") }
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        let pristine = try SoakLog.open(arguments[1], .reading)
        let original = try ServedLog(pristine)
        pristine.close()
        while let line = readLine() {
            try check(arguments[0], verifies: line == "verify", original).say()
        }
    }

    private static func check(_ path: String, verifies: Bool, _ original: ServedLog) -> Finding {
        let log: EventLog
        do { log = try SoakLog.open(path, .reading) } catch { return .found("open: \(error)") }
        defer { log.close() }
        do {
            if verifies, let problem = try log.verify(known: nil, progress: { _ in }).findings.first {
                return .found("verify: \(problem.problem)")
            }
            let difference = try ServedLog(log).difference(from: original)
            return difference.map { .wrong($0) } ?? .whole
        } catch { return .found("read: \(error)") }
    }
}
