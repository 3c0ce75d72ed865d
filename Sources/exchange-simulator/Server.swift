// The listening socket, the pipelines of its connections, and the end: SIGTERM and SIGINT let pending answers
// leave, then the process ends. One event loop for all, so the venue needs no lock.

import Dispatch
import ExchangeSimulation
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Processes
import Records

final class Server {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let host: VenueHost

    init(venue: Venue, arrivals: Arrivals?) {
        host = VenueHost(venue: venue, arrivals: arrivals, loop: group.next())
    }

    func run(host address: String, port: Int) throws {
        let channel: any Channel
        do {
            channel = try bootstrap().bind(host: address, port: port).wait()
        } catch {
            throw CannotRun("cannot listen on \(address):\(port): \(error)")
        }
        let host = host
        try group.next().submit { host.start() }.wait()
        let bound = channel.localAddress?.port ?? port
        // Before the line: whoever has read it may stop us.
        try StopSignals.listen { _ in channel.close(promise: nil) }
        FileHandle.standardOutput.write(Data("listening on http://\(address):\(bound)\n".utf8))
        try channel.closeFuture.wait()
        try drain()
        try group.syncShutdownGracefully()
    }

    private func bootstrap() -> ServerBootstrap {
        let host = host
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Server.prepare(channel, host) }
            }
    }

    private static func prepare(_ channel: any Channel, _ host: VenueHost) throws {
        guard host.opened() else { throw CannotRun("too many connections") }
        channel.closeFuture.whenComplete { _ in host.closed() }
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(StreamHandler.serves(head.uri) ? HTTPHeaders() : nil)
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamHandler(host: host, uri: head.uri))
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: true,
            withServerUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(name: HTTPHandler.name, promise: nil)
                }
            ), withErrorHandling: true)
        try channel.pipeline.syncOperations.addHandler(HTTPHandler(host: host), name: HTTPHandler.name)
    }

    /// Until nothing is pending, or the limit is reached.
    private func drain() throws {
        let done = DispatchSemaphore(value: 0)
        let host = host
        try group.next().submit { host.drain { done.signal() } }.wait()
        _ = done.wait(timeout: .now() + .milliseconds(Int(Limits.simulatedDrainMillisecondsMax)))
    }
}
