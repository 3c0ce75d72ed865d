// How the Redis face is started, and whom it asks before a halt is ended.

import Domain
import EventLog
import ExchangeClient
import Foundation
import Logging
import RespServer
import Services

extension Serve {
    /// Its connection to the exchange; nil: there is none.
    struct Face {
        let client: ExchangeClient?
        func close() { client?.close() }
    }

    /// Listens from here on. Nil where it is not asked for.
    func startResp(
        _ runner: RoleRunner, _ log: EventLog, _ views: Views?, _ settings: Settings, _ logger: Logger
    ) throws -> Face? {
        guard let resp else { return nil }
        var client: ExchangeClient?
        if let exchange {
            let environment = ProcessInfo.processInfo.environment
            client = ExchangeClient(
                host: try ExchangeHost(exchange, isLive: live, environment: environment),
                credentials: try Credentials(environment: environment), settings: ClientSettings())
        }
        var options = RespOptions(address: try RespAddress(resp))
        options.version = Backstop.version
        options.exact = try settings.redisExact
        let ending = HaltEnding(policy: try settings.resume, look: client.map(Self.look))
        let server = RespServer(
            log, board: try HaltBoard(log, views: views), ending: ending, options: options, logger: logger)
        do { _ = try server.listen() } catch { throw CannotRun("--resp \(resp): cannot listen: \(error)") }
        runner.start("resp", run: { try server.run() }, stop: { server.stop() })
        return Face(client: client)
    }

    private static func look(_ client: ExchangeClient) -> @Sendable () throws -> FlatLook {
        { try Resumption.look(client) }
    }
}
