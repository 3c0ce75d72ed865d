// The end of a stream in whatever state it is, that nothing is told after it, and that no key shows in what is told.

import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Records
import Synchronization
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct StreamEndTests {
    static let opened: @Sendable (StreamPeer, Int) -> Void = { peer, _ in
        peer.send(peer.handshake)
        peer.waitForEnd()
    }

    @Test func closeSaysGoodbyeAndIsTheLastNotice() throws {
        let seen = Notices()
        try withStream({ peer, _ in
            peer.send(peer.handshake)
            let goodbye = peer.next()
            seen.take(.unreadable("\(goodbye?.kind ?? 0) \(goodbye?.isMasked ?? false) \(goodbye?.payload ?? [])"))
            peer.waitForEnd()
        }) { stream, notices, server in
            #expect(notices.wait(for: "connected"))
            stream.close()
            #expect(notices.words == ["connected", "disconnected closed"])
            #expect(seen.wait { $0 == [.unreadable("8 true [3, 232]")] }, "\(seen.all)")
            // The key is the account's, and others may listen under it.
            #expect(server.received.map(\.method) == ["POST", "GET"])
            stream.close()
            #expect(notices.words == ["connected", "disconnected closed"])
        }
    }

    @Test func whoeverClosesWaitsForTheSameEnd() throws {
        try withStream(Self.opened) { stream, notices, _ in
            #expect(notices.wait(for: "connected"))
            let words = together(8) { _ in
                stream.close()
                return notices.words.joined(separator: " ")
            }
            #expect(words == Array(repeating: "connected disconnected closed", count: 8))
        }
    }

    @Test func theKeyIsClosedWhereThatIsAskedFor() throws {
        try withStream(
            settings: quickSettings { $0.pacing.closesKey = true },
            rest: { $0.method == "DELETE" ? .answer(200, "{}") : StreamBench.keyAnswer }, Self.opened
        ) { stream, notices, server in
            #expect(notices.wait(for: "connected"))
            stream.close()
            #expect(server.received.map(\.method) == ["POST", "GET", "DELETE"])
        }
    }

    /// While it asks for the key, makes a connection, waits for the next attempt.
    @Test(arguments: ["asking", "handshake", "waiting"])
    func itCanBeClosedWhileItHasNoConnection(_ state: String) throws {
        let settings = quickSettings {
            $0.pacing.backoffMillisecondsMin = 600_000
            $0.pacing.backoffMillisecondsMax = 600_000
        }
        try withStream(
            settings: settings,
            rest: { _ in
                switch state {
                case "asking": .silence
                case "waiting": .answer(401, Sample.error(-2015, "no"))
                default: StreamBench.keyAnswer
                }
            }, { peer, _ in peer.waitForEnd() }
        ) { stream, notices, server in
            #expect(server.wait { requests, _ in requests.count == (state == "handshake" ? 2 : 1) })
            if state == "waiting" { #expect(notices.wait(for: "disconnected noKey")) }
            stream.close()
            #expect(notices.words == (state == "waiting" ? ["disconnected noKey"] : []) + ["disconnected closed"])
        }
    }

    /// Events come as fast as they can while it is closed.
    @Test func nothingIsToldAfterTheEnd() throws {
        try withStream({ peer, _ in
            let many = (0..<200).flatMap { StreamPeer.text(StreamBench.event($0)) }
            peer.send(peer.handshake)
            while peer.send(many) {}
        }) { stream, notices, _ in
            #expect(notices.wait { $0.count > 1_000 })
            stream.close()
            let count = notices.all.count
            #expect(notices.words.last == "disconnected closed")
            #expect(notices.words.count { $0.hasPrefix("disconnected") } == 1)
            // Whatever was on its way has had its time: another stream of the same process came and went.
            try withStream(Self.opened) { _, others, _ in #expect(others.wait(for: "connected")) }
            #expect(notices.all.count == count)
        }
    }

    /// It ends by itself: nobody waits for it, and its thread and its socket are given back.
    @Test func aStreamThatIsLetGoEnds() throws {
        let ended = Notices()
        try withServer({ request in
            guard request.method == "GET" else { return StreamBench.keyAnswer }
            return .handOver { peer in
                peer.send(peer.handshake)
                peer.waitForEnd()
                ended.take(.unreadable("ended"))
            }
        }) { client, _ in
            let notices = Notices()
            var stream: UserStream? = UserStream(client: client, settings: quickSettings()) { notices.take($0) }
            #expect(stream != nil && notices.wait(for: "connected"))
            stream = nil
            #expect(ended.wait(for: "unreadable"))
            #expect(notices.wait(for: "disconnected closed"))
        }
    }

    @Test func aClosedClientLeavesAStreamThatStillEnds() throws {
        try withStream(Self.opened) { stream, notices, _ in
            #expect(notices.wait(for: "connected"))
            stream.close()
        }
        let server = ScriptedServer { _ in StreamBench.keyAnswer }
        defer { server.stop() }
        let client = ExchangeClient(
            host: try ExchangeHost(server.url, isLive: false, environment: [:]), credentials: Sample.credentials,
            settings: ClientSettings())
        client.close()
        let notices = Notices()
        let stream = UserStream(client: client, settings: quickSettings()) { notices.take($0) }
        #expect(notices.wait(for: "disconnected noKey", times: 3))
        stream.close()
        #expect(notices.words.last == "disconnected closed")
    }

    // MARK: Secrets

    /// An exchange that writes both keys into everything that it says.
    @Test(arguments: [
        StreamPeer.text("\(StreamBench.key) \(Sample.key)"),
        StreamPeer.text(#"{"e":"\#(StreamBench.key)","E":1}"#),
        StreamPeer.text(#"{"e":"ORDER_TRADE_UPDATE","\#(StreamBench.key)":1,"\#(StreamBench.key)":2}"#),
        StreamPeer.text(#"{"\#(Sample.key)":1,"\#(Sample.key)":2}"#),
        StreamPeer.text(StreamSample.orderUpdate(["S": #""\#(StreamBench.key)""#])),
        StreamPeer.text(StreamSample.orderUpdate(["X": #""\#(Sample.key)""#])),
        StreamPeer.text(#"{"e":"listenKeyExpired","E":1,"listenKey":"\#(StreamBench.key)"}"#),
        StreamPeer.text(#"{"stream":"\#(StreamBench.key)","data":{"e":"TRADE_LITE"}}"#),
        StreamPeer.frame(0x88, [0x03, 0xe8] + Array(StreamBench.key.utf8)),
        StreamPeer.frame(0x88, [0x03, 0xe8] + Array(("x" + Sample.key).utf8)),
    ])
    func noKeyShowsInWhatIsTold(_ frame: [UInt8]) throws {
        try withStream({ peer, number in
            peer.send(peer.handshake)
            if number == 1 { peer.send(frame) }
            peer.waitForEnd()
        }) { stream, notices, _ in
            #expect(notices.wait { $0.count > 1 })
            var dumped = ""
            dump(stream, to: &dumped)
            dump(notices.all, to: &dumped)
            dumped += "\(notices.all) \(stream)"
            #expect(!dumped.contains(StreamBench.key.prefix(8)), "\(notices.all)")
            #expect(!dumped.contains(Sample.key.prefix(8)), "\(notices.all)")
        }
    }

    @Test(
        arguments: [
            .answer(200, #"{"listenKey":"\#(StreamBench.key)","\#(StreamBench.key)":1,"\#(StreamBench.key)":2}"#),
            .answer(200, #"{"listenKey":"\#(StreamBench.key) "}"#), .answer(200, #"{"listenKey":"\#(StreamBench.key)"#),
            .answer(401, Sample.error(-2015, "Invalid key \(Sample.key)")),
        ] as [Reaction])
    func noKeyShowsWhereItCouldNotBeHad(_ reaction: Reaction) throws {
        try withStream(rest: { _ in reaction }, Self.opened) { _, notices, _ in
            #expect(notices.wait(for: "disconnected noKey"))
            let shown = "\(notices.all)"
            #expect(!shown.contains(StreamBench.key.prefix(8)) && !shown.contains(Sample.key.prefix(8)), "\(shown)")
        }
    }
}

@Suite struct StreamTLSTests {
    /// How connecting ends with a server of TLS that answers every request with a page.
    private func reasons(name: String, isTrusted: Bool) throws -> [StreamLoss.Reason] {
        try TLSTests.withTLSServer(name: name) { url, certificate in
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            defer { try? group.syncShutdownGracefully() }
            var settings = StreamSettings()
            if isTrusted { settings.trustRoots = .file(certificate) }
            let connector = try StreamConnector(
                address: try ExchangeHost(url, isLive: false, environment: [:]).stream, settings: settings,
                loop: group.next())
            let notices = Notices()
            group.next().execute {
                _ = connector.connect(try! ListenKey(StreamBench.key)) { note in
                    switch note {
                    case .opened: notices.take(.connected(at: .init(milliseconds: 0)))
                    case .ended(let loss): notices.take(.disconnected(loss))
                    case .heard, .message: break
                    }
                }
            }
            #expect(notices.wait { !$0.isEmpty })
            return notices.losses.map(\.reason)
        }
    }

    @Test func aCertificateThatNobodySignedEndsTheConnectionBeforeTheKeyLeaves() throws {
        #expect(try reasons(name: "IP:127.0.0.1", isTrusted: false).first == .insecure)
    }

    /// Without this control the test above could pass because the server does not work at all.
    @Test func theSameServerIsReachedByWhoTrustsItsCertificate() throws {
        #expect(try reasons(name: "IP:127.0.0.1", isTrusted: true).first == .refused)
    }

    @Test(arguments: ["DNS:fstream.binance.com", "IP:127.0.0.2"])
    func aTrustedCertificateOfAnotherNameIsRefused(_ name: String) throws {
        #expect(try reasons(name: name, isTrusted: true).first == .insecure)
    }
}
