// Makes one connection of the user stream: TCP, TLS with verified certificates where the host is not loopback over
// plain HTTP, and the WebSocket handshake. The listen key stands in the handshake's first line and must not show
// anywhere else. It must never try again by itself.

internal import Exchange
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import NIOWebSocket
internal import Records

struct StreamConnector {
    let address: StreamAddress
    let settings: StreamSettings
    let loop: any EventLoop
    private let tls: NIOSSLContext?

    init(address: StreamAddress, settings: StreamSettings, loop: any EventLoop) throws {
        self.address = address
        self.settings = settings
        self.loop = loop
        tls = address.isTLS ? try NIOSSLContext(configuration: StreamConnector.tls(settings)) : nil
    }

    private static func tls(_ settings: StreamSettings) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .fullVerification
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.trustRoots = settings.trustRoots
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }

    /// - Parameter note: called on the loop; `opened` at most once. The first `ended` counts, there may be more.
    /// - Returns: the channel, as soon as there is one; failed where there is none, after its note.
    func connect(_ key: ListenKey, note: @escaping (ConnectionNote) -> Void) -> EventLoopFuture<any Channel> {
        let note = NIOLoopBound(note, eventLoop: loop)
        let connected = reach()
        connected.whenComplete { result in
            switch result {
            case .success(let channel): shake(channel, key, note)
            case .failure(let error): note.value(.ended(StreamLoss(reaching: error)))
            }
        }
        return connected
    }

    /// An address in numbers is not looked up.
    private func reach() -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(settings.pacing.connectMilliseconds))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.socketOption(.so_sndbuf), value: Limits.streamSendBufferBytes)
        let host = address.host.hasPrefix("[") ? String(address.host.dropFirst().dropLast()) : address.host
        do {
            return bootstrap.connect(to: try SocketAddress(ipAddress: host, port: address.port))
        } catch {
            return bootstrap.connect(host: host, port: address.port)  // it is a name
        }
    }

    // MARK: The handshake

    private enum Handshake { case upgraded, refused(EventLoopFuture<UInt>) }

    private func shake(_ channel: any Channel, _ key: ListenKey, _ note: NIOLoopBound<(ConnectionNote) -> Void>) {
        @Sendable func fail(_ loss: StreamLoss) {
            note.value(.ended(loss))
            channel.close(promise: nil)
        }
        let upgraded: EventLoopFuture<Handshake>
        do {
            let pipeline = channel.pipeline.syncOperations
            if let tls {
                let isNumber = address.host.hasPrefix("[") || address.host.utf8.allSatisfy { $0 < 0x3a }
                try pipeline.addHandler(
                    NIOSSLClientHandler(context: tls, serverHostname: isNumber ? nil : address.host))
            }
            upgraded = try pipeline.configureUpgradableHTTPClientPipeline(configuration: handshake(key, note))
        } catch {
            return fail(StreamLoss(connection: error))
        }
        // Where the connection ends in the middle of the handshake's last step, no handler hears of it.
        channel.closeFuture.whenComplete { _ in
            fail(StreamLoss(reason: .lost, text: "the connection ended without a word"))
        }
        let loop = loop
        upgraded.whenComplete { result in
            switch result {
            case .success(.upgraded): return
            case .success(.refused(let status)):
                status.hop(to: loop).whenComplete { fail(StreamLoss(refusal: $0)) }
            case .failure(let error): fail(StreamLoss(connection: error))
            }
        }
    }

    private func handshake(_ key: ListenKey, _ note: NIOLoopBound<(ConnectionNote) -> Void>)
        -> NIOUpgradableHTTPClientPipelineConfiguration<Handshake>
    {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/private/ws/" + key.text)
        head.headers.add(name: "Host", value: address.authority)
        head.headers.add(name: "User-Agent", value: "backstop")
        let settings = settings
        // NIO's own handling of errors would end the connection before it is told why.
        let upgrader = NIOTypedWebSocketClientUpgrader<Handshake>(
            maxFrameSize: settings.messageBytesMax, enableAutomaticErrorHandling: false
        ) { channel, _ in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    FrameHandler(messageBytesMax: settings.messageBytesMax, note: note.value))
                return .upgraded
            }
        }
        let upgrade = NIOTypedHTTPClientUpgradeConfiguration<Handshake>(
            upgradeRequestHead: head, upgraders: [upgrader]
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                let reader = RefusalReader(channel.eventLoop.makePromise())
                try channel.pipeline.syncOperations.addHandler(reader)
                return .refused(reader.status.futureResult)
            }
        }
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(upgradeConfiguration: upgrade)
        // The first events may come together with the end of the handshake.
        configuration.leftOverBytesStrategy = .forwardBytes
        configuration.decoderConfiguration.maxHeaderListSize = Limits.exchangeHeaderBytesMax
        configuration.decoderConfiguration.maxHeaderFieldSize = Limits.exchangeHeaderBytesMax
        return configuration
    }
}

/// The status of an answer that is not the stream; nothing else of it.
private final class RefusalReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    let status: EventLoopPromise<UInt>

    init(_ status: EventLoopPromise<UInt>) { self.status = status }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) { status.succeed(head.status.code) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { status.fail(error) }
    func handlerRemoved(context: ChannelHandlerContext) { status.fail(ChannelError.eof) }
}

extension StreamLoss {
    fileprivate init(refusal: Result<UInt, any Error>) {
        switch refusal {
        case .success(let status): self.init(reason: .refused, text: "status \(status)")
        case .failure(let error): self.init(connection: error)
        }
    }
}
