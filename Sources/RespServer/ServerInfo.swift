// What INFO tells: whose semantics these are, and what clients and monitors look for. Numbers that we do not have are
// left out, not made up.

internal import Records
internal import Glibc

enum RedisVersion {
    /// Whose commands, replies and error texts these are.
    static let text = "7.0.15"
}

let respNameBytesMax = Limits.respClientNameBytesMax

package typealias InfoSection = (name: String, lines: [(String, String)])

struct ServerInfo {
    var port = 0
    var startedAt = ContinuousClock.now
    var connections = 0
    var blocked = 0
    var accepted = 0
    var commands = 0
    var rejected = 0
    var errors = 0
    var keys = 0
    var usedBytes = 0
    var head = ""
    var version = ""

    func text(_ wanted: Set<String>, _ others: [InfoSection] = []) -> String {
        let isAll = wanted.isEmpty || !wanted.isDisjoint(with: ["all", "default", "everything"])
        let names = Set(others.map(\.name))
        return (sections.filter { !names.contains($0.name) } + others).filter {
            isAll || wanted.contains($0.name.lowercased())
        }.map { section in
            "# \(section.name)\r\n" + section.lines.map { "\($0.0):\($0.1)\r\n" }.joined()
        }.joined(separator: "\r\n")
    }

    private var sections: [InfoSection] {
        let seconds = Int((ContinuousClock.now - startedAt) / .seconds(1))
        return [
            (
                "Server",
                [
                    ("redis_version", RedisVersion.text), ("redis_mode", "standalone"), ("os", "Linux"),
                    ("arch_bits", "64"), ("process_id", "\(getpid())"), ("tcp_port", "\(port)"),
                    ("uptime_in_seconds", "\(seconds)"), ("uptime_in_days", "\(seconds / 86_400)"),
                    ("backstop_version", version), ("backstop_head", head),
                ]
            ),
            (
                "Clients",
                [
                    ("connected_clients", "\(connections)"), ("maxclients", "\(Limits.respConnectionsMax)"),
                    ("blocked_clients", "\(blocked)"),
                ]
            ),
            ("Memory", [("maxmemory", "0"), ("maxmemory_policy", "noeviction")]),
            ("Persistence", [("loading", "0"), ("aof_enabled", "1"), ("backstop_log_bytes", "\(usedBytes)")]),
            (
                "Stats",
                [
                    ("total_connections_received", "\(accepted)"), ("total_commands_processed", "\(commands)"),
                    ("rejected_connections", "\(rejected)"), ("total_error_replies", "\(errors)"),
                ]
            ),
            ("Replication", [("role", "master"), ("connected_slaves", "0")]),
            ("Cluster", [("cluster_enabled", "0")]),
            ("Keyspace", keys > 0 ? [("db0", "keys=\(keys),expires=0,avg_ttl=0")] : []),
        ]
    }
}
