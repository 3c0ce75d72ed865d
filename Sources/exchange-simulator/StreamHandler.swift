// One WebSocket connection of the user stream: which keys it listens to, in which framing; pings, limits,
// SUBSCRIBE. It must never make up an event: they all come from the venue.

import Events
import Foundation
import NIOCore
import NIOHTTP1
import NIOWebSocket
import Records

final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let host: VenueHost
    private var keys: [String] = []
    /// Empty: all.
    private var events: [String] = []
    private let isCombined: Bool
    private var isStalled = false
    private var context: ChannelHandlerContext?
    private var lastPong = Clock.now()
    private let openedAt = Clock.now()
    private var pinging: RepeatedTask?
    private var second: (index: Int64, messages: Int) = (0, 0)

    init(host: VenueHost, uri: String) {
        self.host = host
        let halves = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let parts = halves[0].split(separator: "/").map(String.init)
        isCombined = parts.contains("stream")
        if let place = parts.firstIndex(of: "ws"), place + 1 < parts.count { keys = [parts[place + 1]] }
        let query = halves.count > 1 ? halves[1].split(separator: "&").map(String.init) : []
        for pair in query {
            let value = pair.drop { $0 != "=" }.dropFirst().split(separator: "/").map(String.init)
            if pair.hasPrefix("listenKey=") || pair.hasPrefix("streams=") { keys += value }
            if pair.hasPrefix("events=") { events = value }
        }
    }

    /// Paths that are user streams.
    static func serves(_ uri: String) -> Bool {
        let path = uri.prefix { $0 != "?" }
        let roots = ["/ws", "/stream", "/private/ws", "/private/stream"]
        return roots.contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    func listens(to key: String) -> Bool { keys.contains(key) }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        host.add(self)
        let every = TimeAmount.milliseconds(Limits.simulatedPingMilliseconds)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        pinging = context.eventLoop.scheduleRepeatedTask(initialDelay: every, delay: every) { _ in
            bound.value.ping()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        pinging?.cancel()
        host.remove(self)
        self.context = nil
    }

    private func ping() {
        let now = Clock.now()
        if now - lastPong > Limits.simulatedPongMillisecondsMax
            || now - openedAt > Limits.simulatedStreamMillisecondsMax
        {
            return end(.normalClosure)
        }
        if !isStalled { write(.ping, ByteBuffer(string: String(now))) }
    }

    // MARK: Out

    func send(_ event: JSONValue, key: String) {
        guard !isStalled else { return }
        if case .string(let type) = event["e"], !events.isEmpty, !events.contains(type) { return }
        let framed =
            isCombined
            ? JSONValue.object([JSONMember("stream", .string(key)), JSONMember("data", event)]) : event
        write(.text, ByteBuffer(string: JSONText.render(framed)))
    }

    func stall() { isStalled = true }

    func end(_ code: WebSocketErrorCode) {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        write(.connectionClose, data)
        context?.close(promise: nil)
    }

    private func write(_ kind: WebSocketOpcode, _ data: ByteBuffer) {
        context?.writeAndFlush(NIOAny(WebSocketFrame(fin: true, opcode: kind, data: data)), promise: nil)
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        guard countsWithinLimit() else { return end(.policyViolation) }
        switch frame.opcode {
        case .text: obey(String(buffer: frame.unmaskedData))
        case .ping: write(.pong, frame.unmaskedData)
        case .pong: lastPong = Clock.now()
        case .connectionClose: end(.normalClosure)
        default: end(.unacceptableData)
        }
    }

    private func countsWithinLimit() -> Bool {
        let now = Clock.now() / 1_000
        second = now == second.index ? (now, second.messages + 1) : (now, 1)
        return second.messages <= Limits.simulatedStreamMessagesPerSecondMax
    }

    private func obey(_ text: String) {
        let message: JSONValue
        do throws(JSONError) {
            message = try JSONText.read(text)
        } catch {
            return reply(id: .null, error: "Invalid JSON: \(error)")
        }
        let id = message["id"] ?? .null
        var named: [String] = []
        if case .array(let items) = message["params"] {
            named = items.compactMap { if case .string(let key) = $0 { key } else { nil } }
        }
        switch message["method"] {
        case .string("SUBSCRIBE"): keys += named.filter { !keys.contains($0) }
        case .string("UNSUBSCRIBE"): keys.removeAll { named.contains($0) }
        case .string("LIST_SUBSCRIPTIONS"): return reply(id: id, result: .array(keys.map { .string($0) }))
        default: return reply(id: id, error: "Invalid request: unknown method")
        }
        reply(id: id, result: .null)
    }

    private func reply(id: JSONValue, result: JSONValue) {
        let answer = JSONValue.object([JSONMember("result", result), JSONMember("id", id)])
        write(.text, ByteBuffer(string: JSONText.render(answer)))
    }

    private func reply(id: JSONValue, error: String) {
        let problem = JSONValue.object([JSONMember("code", .number("2")), JSONMember("msg", .string(error))])
        let answer = JSONValue.object([JSONMember("error", problem), JSONMember("id", id)])
        write(.text, ByteBuffer(string: JSONText.render(answer)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
