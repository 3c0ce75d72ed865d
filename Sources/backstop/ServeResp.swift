// How the Redis face is started, and whom it asks before a halt is ended.

import Domain
import EventLog
import ExchangeClient
import Foundation
import Glibc
import Logging
import RespServer
import Services

extension Serve {
    /// Its connection to the exchange; nil: there is none.
    struct Face {
        let client: ExchangeClient?
        func close() { client?.close() }
    }

    /// Where it listens, and for whom. Nil where it is not asked for. Before anything is started.
    func respOptions(_ settings: Settings) throws -> RespOptions? {
        guard let resp else { return nil }
        let users = try Self.users(settings.respUsersPath)
        do {
            var options = RespOptions(address: try RespAddress(resp, hasUsers: !users.isEmpty))
            options.version = Backstop.version
            options.exact = try settings.redisExact
            options.users = users
            return options
        } catch let bad as RespAddress.Bad { throw CannotRun("--resp \(bad)") }
    }

    /// Listens from here on. Nil where it is not asked for.
    func startResp(
        _ options: RespOptions?, _ runner: RoleRunner, _ log: EventLog, _ views: Views?, _ settings: Settings,
        _ logger: Logger
    ) throws -> Face? {
        guard let options else { return nil }
        var client: ExchangeClient?
        if let exchange {
            let environment = ProcessInfo.processInfo.environment
            client = ExchangeClient(
                host: try ExchangeHost(exchange, isLive: live, environment: environment),
                credentials: try Credentials(environment: environment), settings: ClientSettings())
        }
        let ending = HaltEnding(policy: try settings.resume, look: client.map(Self.look))
        let server = RespServer(
            log, board: try HaltBoard(log, views: views), ending: ending, options: options, logger: logger)
        do { _ = try server.listen() } catch { throw CannotRun("--resp \(options.address): cannot listen: \(error)") }
        runner.start("resp", run: { try server.run() }, stop: { server.stop() })
        return Face(client: client)
    }

    private static func users(_ path: String) throws -> RespUsers {
        guard !path.isEmpty else { return .none }
        var found = stat()
        guard stat(path, &found) == 0, let bytes = FileManager.default.contents(atPath: path) else {
            throw CannotRun("resp.users: \(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        guard found.st_mode & 0o077 == 0 else {
            throw CannotRun("resp.users: others can read or change \(path): chmod 600 \(path)")
        }
        do { return try RespUsers(reading: String(decoding: bytes, as: UTF8.self)) } catch {
            throw CannotRun("resp.users: \(path): \(error)")
        }
    }

    private static func look(_ client: ExchangeClient) -> @Sendable () throws -> FlatLook {
        { try Resumption.look(client) }
    }
}
