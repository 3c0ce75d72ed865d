// HOST:PORT to listen on. Without users only this machine may connect.

internal import Glibc
internal import Records

package struct RespAddress: Equatable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package struct Bad: Error, Equatable, CustomStringConvertible { package let description: String }

    package let isLoopback: Bool

    package init(_ text: String, hasUsers: Bool = false) throws(Bad) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, let last = parts.last, let port = Int(last), 0...65_535 ~= port else {
            throw Bad(description: "\(text): HOST:PORT is needed, as 127.0.0.1:6380")
        }
        var host = parts.dropLast().joined(separator: ":")
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host == "localhost" { host = "127.0.0.1" }
        isLoopback = RespAddress.isLoopback(host)
        guard isLoopback || hasUsers else {
            throw Bad(
                description:
                    "\(text): only a loopback address (127.0.0.1, ::1, localhost) may be used: no users are configured, and whoever can connect could trade, halt and resume; configure resp.users, or reach it from elsewhere through an SSH tunnel"
            )
        }
        (self.host, self.port) = (host, port)
    }

    private static func isLoopback(_ host: String) -> Bool {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        return host == "::1"
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
