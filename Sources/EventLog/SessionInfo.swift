// Who writes: boot, host, pid and version, recorded once per process as `session.started` before its first
// record, so that a one-shot reader leaves no trace and every record's clock can be placed.

internal import Glibc

package struct SessionInfo: Sendable {
    package let bootID: String
    package let host: String
    package let pid: UInt32
    package let version: String
    var producer: String { "backstop" }

    package static func current(version: String) -> SessionInfo {
        let host =
            LogFolder.read("/proc/sys/kernel/hostname").map { String($0.prefix { !$0.isWhitespace }) } ?? "unknown"
        let boot = LogFolder.read("/proc/sys/kernel/random/boot_id") ?? "unknown"
        return SessionInfo(
            bootID: String(boot.prefix { !$0.isWhitespace }), host: host, pid: UInt32(getpid()), version: version)
    }
}
