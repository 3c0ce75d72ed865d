// The stream against an exchange that does what a test says, byte by byte: the handshake, frames in pieces, frames
// that are none, keys that end, connections that break, and the end.

import Foundation
import Records
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct UserStreamTests {
    @Test func eventsComeInTheirOrderAfterConnected() throws {
        try withStream({ peer, _ in
            // The first event comes together with the end of the handshake.
            peer.send(peer.handshake + StreamPeer.text(StreamSample.orderUpdate()))
            peer.send(StreamPeer.text(StreamSample.accountUpdate()) + StreamPeer.text(StreamBench.event(1)))
            peer.waitForEnd()
        }) { _, notices, server in
            #expect(notices.wait(for: "event X1"))
            #expect(notices.words == ["connected", "event TRADE", "event ACCOUNT", "event X1"])
            #expect(notices.all[1] == .event(try StreamSample.read(StreamSample.orderUpdate())))
            let request = try #require(server.received.last)
            #expect(request.method == "GET" && request.target == "/private/ws/" + StreamBench.key)
            let head = request.headerText.lowercased()
            #expect(head.contains("host: 127.0.0.1:\(server.port)\r\n") && head.contains("upgrade: websocket"))
            #expect(head.contains("sec-websocket-version: 13") && !head.contains("x-mbx-apikey"))
        }
    }

    @Test func whenItWasConnectedIsToldByTheWallClock() throws {
        var settings = quickSettings()
        settings.wallMilliseconds = { 1_763_818_338_280 }
        try withStream(
            settings: settings,
            { peer, _ in
                peer.send(peer.handshake)
                peer.waitForEnd()
            }
        ) { _, notices, _ in
            #expect(notices.wait(for: "connected"))
            #expect(notices.all.first == .connected(at: Timestamp(milliseconds: 1_763_818_338_280)))
        }
    }

    // MARK: Pieces

    @Test func everyByteMayComeAlone() throws {
        try withStream({ peer, _ in
            let frames = StreamPeer.text(StreamSample.orderUpdate()) + StreamPeer.text(StreamBench.event(1))
            peer.sendByteByByte(peer.handshake + frames)
            peer.waitForEnd()
        }) { _, notices, _ in
            #expect(notices.wait(for: "event X1"))
            #expect(notices.words == ["connected", "event TRADE", "event X1"])
        }
    }

    @Test func framesMayBeCutAtEveryByte() throws {
        let frame = StreamPeer.text(StreamSample.orderUpdate())
        try withStream({ peer, _ in
            peer.send(peer.handshake)
            for place in 0...frame.count {
                peer.send(Array(frame[..<place]))
                peer.send(Array(frame[place...]))
            }
            peer.waitForEnd()
        }) { _, notices, _ in
            #expect(notices.wait(for: "event TRADE", times: frame.count + 1))
            #expect(notices.words == ["connected"] + Array(repeating: "event TRADE", count: frame.count + 1))
        }
    }

    @Test func messagesMayBeFragmentedAtEveryByteWithPingsBetween() throws {
        let text = Array(StreamSample.orderUpdate().utf8)
        let answers = Notices()
        try withStream({ peer, _ in
            peer.send(peer.handshake)
            for place in 0...text.count {
                peer.send(StreamPeer.frame(0x01, Array(text[..<place])))
                peer.send(StreamPeer.frame(0x89, [UInt8(place & 255)]))
                peer.send(StreamPeer.frame(0x00, []))
                peer.send(StreamPeer.frame(0x80, Array(text[place...])))
                let pong = peer.next()
                let isRight = pong == StreamPeer.Frame(kind: 0x0a, isMasked: true, payload: [UInt8(place & 255)])
                answers.take(.unreadable(isRight ? "right" : "\(pong as Any)"))
            }
            peer.waitForEnd()
        }) { _, notices, _ in
            #expect(notices.wait(for: "event TRADE", times: text.count + 1))
            #expect(notices.words == ["connected"] + Array(repeating: "event TRADE", count: text.count + 1))
            #expect(answers.wait { $0.count == text.count + 1 })
            #expect(answers.all.allSatisfy { $0 == .unreadable("right") })
        }
    }

    // MARK: What is no event

    @Test(arguments: [
        "", "{", "[]", #"{"result":null,"id":1}"#, StreamSample.orderUpdate(["t": "0"]), "\u{0}",
        StreamSample.accountUpdate(["{}"]),
    ])
    func whatCannotBeReadIsToldAndTheStreamGoesOn(_ text: String) throws {
        try withStream({ peer, _ in
            peer.send(peer.handshake + StreamPeer.text(text) + StreamPeer.text(StreamBench.event(1)))
            peer.waitForEnd()
        }) { _, notices, _ in
            #expect(notices.wait(for: "event X1"))
            #expect(notices.words == ["connected", "unreadable", "event X1"])
        }
    }

    static let many = Array(repeating: StreamPeer.frame(0x00, [0x20]), count: 256).flatMap { $0 }
    static let large = [UInt8](repeating: 0x20, count: (1 << 20) + 1)
    static let halfLarge = [UInt8](repeating: 0x20, count: 600_000)

    /// What came instead of a frame → why the connection was given up.
    static let badFrames: [(String, [UInt8], String)] = [
        ("masked", StreamPeer.frame(0x81, [0x7b, 0x7d], mask: [1, 2, 3, 4]), "notUnderstood"),
        ("reserved bit", StreamPeer.frame(0xc1, [0x7b, 0x7d]), "notUnderstood"),
        ("binary", StreamPeer.frame(0x82, [0x7b, 0x7d]), "notUnderstood"),
        ("unknown kind", StreamPeer.frame(0x83, []), "notUnderstood"),
        ("unknown control", StreamPeer.frame(0x8b, []), "notUnderstood"),
        ("a fragment of nothing", StreamPeer.frame(0x80, [0x7b]), "notUnderstood"),
        ("a message in another", StreamPeer.frame(0x01, [0x7b]) + StreamPeer.text("{}"), "notUnderstood"),
        ("a fragmented ping", StreamPeer.frame(0x09, []), "notUnderstood"),
        ("a long ping", StreamPeer.frame(0x89, [UInt8](repeating: 1, count: 126)), "notUnderstood"),
        ("too large", StreamPeer.frame(0x81, large), "tooLarge"),
        ("too large, told", [0x81, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255], "tooLarge"),
        ("beyond all numbers", [0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255], "tooLarge"),
        ("too large together", StreamPeer.frame(0x01, halfLarge) + StreamPeer.frame(0x80, halfLarge), "tooLarge"),
        ("too many fragments", StreamPeer.frame(0x01, []) + many, "tooLarge"),
        ("not WebSocket", Array("HTTP/1.1 200 OK\r\n\r\n".utf8), "notUnderstood"),
        ("closed", StreamPeer.frame(0x88, [0x03, 0xe9] + Array("going\naway".utf8)), "ended"),
        ("closed without a code", StreamPeer.frame(0x88, []), "ended"),
    ]

    /// By name: a megabyte as an argument costs the test library seconds.
    @Test(arguments: badFrames.map { ($0.0, $0.2) })
    func whatIsNoFrameOfOursEndsTheConnectionAndThereIsANewOne(_ name: String, _ reason: String) throws {
        let bytes = try #require(Self.badFrames.first { $0.0 == name }).1
        try withStream({ peer, number in
            peer.send(peer.handshake)
            // What follows it on the same connection must not be told.
            if number == 1 { peer.send(bytes + StreamPeer.text(StreamBench.event(1))) }
            peer.waitForEnd()
        }) { _, notices, _ in
            #expect(notices.wait(for: "connected", times: 2), "\(name): \(notices.all)")
            #expect(
                notices.words.prefix(3) == ["connected", "disconnected \(reason)", "connected"],
                "\(name): \(notices.losses)")
        }
    }

    @Test func aMessageOfTheLargestSizeIsTaken() throws {
        let padding = String(repeating: " ", count: (1 << 20) - StreamBench.event(1).utf8.count)
        try withStream({ peer, _ in
            peer.send(peer.handshake + StreamPeer.text(StreamBench.event(1) + padding))
            peer.waitForEnd()
        }) { _, notices, _ in
            #expect(notices.wait(for: "event X1"))
        }
    }

    // MARK: The handshake

    static let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    static let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"

    @Test(arguments: [
        ("forbidden", "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", "refused"),
        ("redirect", "HTTP/1.1 302 Go\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "refused"),
        ("an answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "refused"),
        (
            "another protocol", "HTTP/1.1 101 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" + accept + "\r\n",
            "notUnderstood"
        ),
        ("a wrong answer", "HTTP/1.1 101 OK\r\n" + upgrade + accept + "\r\n", "notUnderstood"),
        ("no answer", "HTTP/1.1 101 OK\r\n" + upgrade + "\r\n", "notUnderstood"),
        ("not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "notUnderstood"),
        ("endless headers", "HTTP/1.1 101 OK\r\nX: HUGE", "notUnderstood"),
        ("nothing", "", "lost"), ("half", "HTTP/1.1 101 Sw", "notUnderstood"),
    ])
    func aHandshakeThatFailsIsTriedAgain(_ name: String, _ text: String, _ reason: String) throws {
        let bytes = Array(text.replacing("HUGE", with: String(repeating: "y", count: 1 << 20)).utf8)
        try withStream({ peer, number in
            guard number > 1 else { return _ = peer.send(bytes) }
            peer.send(peer.handshake)
            peer.waitForEnd()
        }) { _, notices, _ in
            #expect(notices.wait(for: "connected"), "\(name)")
            #expect(notices.words == ["disconnected \(reason)", "connected"], "\(name): \(notices.losses)")
        }
    }

    @Test func aHandshakeThatNobodyAnswersHasItsTime() throws {
        try withStream(
            settings: quickSettings { $0.pacing.connectMilliseconds = 100 },
            { peer, number in
                if number > 1 { peer.send(peer.handshake) }
                peer.waitForEnd()
            }
        ) { _, notices, _ in
            #expect(notices.wait(for: "connected"))
            #expect(notices.words.first == "disconnected timedOut")
        }
    }

    // MARK: Keys

    @Test func theKeyIsExtendedWhileTheStreamStands() throws {
        try withStream(
            settings: quickSettings { $0.pacing.renewalMilliseconds = 20 },
            { peer, _ in
                peer.send(peer.handshake)
                peer.waitForEnd()
            }
        ) { _, notices, server in
            #expect(server.wait { requests, _ in requests.count { $0.method == "PUT" } >= 5 })
            #expect(notices.words == ["connected"])
            #expect(server.received.filter { $0.method == "PUT" }.allSatisfy { $0.path == "/fapi/v1/listenKey" })
        }
    }

    @Test func aKeyThatTheExchangeForgotIsReplaced() throws {
        let keys = Counter()
        try withStream(
            settings: quickSettings { $0.pacing.renewalMilliseconds = 20 },
            rest: { request in
                if request.method == "PUT" {
                    return .answer(400, Sample.error(-1125, "This listenKey does not exist."))
                }
                return .answer(200, #"{"listenKey":"\#(StreamBench.key)\#(keys.next())"}"#)
            },
            { peer, _ in
                peer.send(peer.handshake)
                peer.waitForEnd()
            }
        ) { _, notices, server in
            #expect(notices.wait(for: "connected", times: 3))
            #expect(notices.words.prefix(3) == ["connected", "disconnected keyExpired", "connected"])
            let targets = server.received.filter { $0.method == "GET" }.map(\.target)
            #expect(targets.prefix(2) == ["/private/ws/\(StreamBench.key)1", "/private/ws/\(StreamBench.key)2"])
        }
    }

    @Test func anExpiredKeyIsReplacedAndWhatFollowsItIsNotTold() throws {
        try withStream({ peer, number in
            peer.send(peer.handshake)
            if number == 1 { peer.send(StreamPeer.text(StreamSample.expired) + StreamPeer.text(StreamBench.event(1))) }
            peer.waitForEnd()
        }) { _, notices, server in
            #expect(notices.wait(for: "connected", times: 2))
            #expect(notices.words == ["connected", "event listenKeyExpired", "disconnected keyExpired", "connected"])
            #expect(server.received.map(\.method) == ["POST", "GET", "POST", "GET"])
        }
    }

    @Test(
        arguments: [
            .answer(401, Sample.error(-2015, "Invalid API-key")),
            .answer(429, Sample.error(-1003, "Too many"), headers: ["Retry-After: 0"]),
            .close, .answer(200, "{}"), .answer(200, #"{"listenKey":"../../\#(StreamBench.key)"}"#),
            .answer(200, #"{"listenKey":5}"#),
        ] as [Reaction])
    func withoutAKeyItTriesAgain(_ reaction: Reaction) throws {
        let asked = Counter()
        try withStream(
            rest: { _ in asked.next() <= 3 ? reaction : StreamBench.keyAnswer },
            { peer, _ in
                peer.send(peer.handshake)
                peer.waitForEnd()
            }
        ) { _, notices, _ in
            #expect(notices.wait(for: "connected"), "\(notices.all)")
            #expect(notices.words.dropLast().allSatisfy { $0 == "disconnected noKey" } && notices.words.count > 1)
        }
    }

    // MARK: Losses

    @Test func aConnectionThatBreaksIsMadeAnew() throws {
        try withStream({ peer, number in
            peer.send(peer.handshake + StreamPeer.frame(0x89, []))
            _ = peer.next()
            peer.send(StreamPeer.text(StreamBench.event(number)))
            if number > 3 { peer.waitForEnd() }
        }) { _, notices, _ in
            #expect(notices.wait(for: "event X4"))
            let lost = ["disconnected lost", "connected"]
            #expect(
                notices.words == ["connected", "event X1"] + lost + ["event X2"] + lost + ["event X3"] + lost + [
                    "event X4"
                ])
        }
    }

    /// In that moment NIO has taken its HTTP handlers away and those of the stream are not yet there.
    @Test func aConnectionThatBreaksWithTheHandshakeIsSeen() throws {
        try withStream({ peer, number in
            peer.send(peer.handshake + StreamPeer.text(StreamBench.event(number)))
            if number > 30 { peer.waitForEnd() }
        }) { _, notices, _ in
            #expect(notices.wait(for: "event X31"))
            #expect(notices.words.count { $0 == "disconnected lost" } == 30)
        }
    }

    @Test func silenceIsALossAndPingsAreNone() throws {
        try withStream(
            settings: quickSettings { $0.pacing.silenceMilliseconds = 150 },
            { peer, number in
                peer.send(peer.handshake)
                // Each ping is sent when the one before was answered.
                if number == 1 { for _ in 0..<50 { peer.send(StreamPeer.frame(0x89, [])); _ = peer.next() } }
                peer.waitForEnd()
            }
        ) { _, notices, _ in
            #expect(notices.wait(for: "connected", times: 2))
            #expect(notices.words.prefix(3) == ["connected", "disconnected silent", "connected"])
        }
    }

    @Test func anOldConnectionIsMadeAnewBeforeItIsCut() throws {
        try withStream(
            settings: quickSettings { $0.pacing.connectionMilliseconds = 50 },
            { peer, _ in
                peer.send(peer.handshake)
                peer.waitForEnd()
            }
        ) { _, notices, _ in
            #expect(notices.wait(for: "connected", times: 3))
            #expect(
                notices.words.prefix(4) == ["connected", "disconnected renewed", "connected", "disconnected renewed"])
        }
    }

    @Test func pingsThatNobodyLetsUsAnswerEndTheConnection() throws {
        try withStream({ peer, number in
            peer.takeLittle()
            peer.send(peer.handshake)
            let ping = StreamPeer.frame(0x89, [UInt8](repeating: 1, count: 125))
            let pings = Array(repeating: ping, count: 100).flatMap { $0 }
            // Not one answer is read.
            if number == 1 { while peer.send(pings) {} } else { peer.waitForEnd() }
        }) { _, notices, _ in
            #expect(notices.wait(for: "connected", times: 2))
            #expect(notices.words.prefix(2) == ["connected", "disconnected notUnderstood"])
        }
    }
}
