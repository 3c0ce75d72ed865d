// Performs an answer on its connection as its wire says: whole, slow, cut, reset, closed, or not at all. The
// only place that touches the transport on purpose.

import ExchangeSimulation
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Records

/// Used once, on its channel's loop.
final class AnswerWriter {
    private let host: VenueHost
    private let context: ChannelHandlerContext
    private let version: HTTPVersion
    private let keepsAlive: Bool

    init(host: VenueHost, context: ChannelHandlerContext, head: HTTPRequestHead) {
        self.host = host
        self.context = context
        version = head.version
        keepsAlive = head.isKeepAlive
    }

    func perform(_ delivery: Delivery) {
        guard delivery.wire.delay > 0 else { return start(delivery) }
        after(delivery.wire.delay) { $0.start(delivery) }
    }

    /// Before a request was handed to the host.
    func refuseTooLarge() {
        var head = HTTPResponseHead(version: version, status: .payloadTooLarge)
        head.headers.add(name: "Content-Length", value: "0")
        head.headers.add(name: "Connection", value: "close")
        write(.head(head))
        end(closing: true, counted: false)
    }

    private func start(_ delivery: Delivery) {
        switch delivery.wire.ending {
        case .whole:
            writeHead(delivery.answer)
            let body = Array(delivery.answer.body.utf8)
            if let rate = delivery.wire.bytesPerSecond { return writeSlowly(body[...], rate) }
            writeBody(body[...])
            end(closing: !staysOpen)
        case .cut:
            writeHead(delivery.answer)
            writeBody(Array(delivery.answer.body.utf8.prefix(delivery.answer.body.utf8.count / 2))[...])
            context.flush()
            reset()
        case .reset: reset()
        case .close:
            host.finished()
            context.close(promise: nil)
        case .hang:
            host.finished()
            after(Limits.simulatedHangMilliseconds) { $0.context.close(promise: nil) }
        }
    }

    private var staysOpen: Bool { keepsAlive && !host.isDraining }

    private func writeHead(_ answer: Answer) {
        var head = HTTPResponseHead(version: version, status: HTTPResponseStatus(statusCode: answer.status))
        for header in answer.headers { head.headers.add(name: header.name, value: header.value) }
        head.headers.add(name: "Content-Length", value: String(answer.body.utf8.count))
        if !staysOpen { head.headers.add(name: "Connection", value: "close") }
        write(.head(head))
    }

    private func writeBody(_ bytes: ArraySlice<UInt8>) {
        write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
    }

    private func write(_ part: HTTPServerResponsePart) {
        context.write(NIOAny(part), promise: nil)
    }

    /// Ten pieces a second.
    private func writeSlowly(_ bytes: ArraySlice<UInt8>, _ rate: Int) {
        guard !bytes.isEmpty, context.channel.isActive else { return end(closing: !staysOpen) }
        let piece = bytes.prefix(max(1, rate / 10))
        writeBody(piece)
        context.flush()
        after(100) { $0.writeSlowly(bytes.dropFirst(piece.count), rate) }
    }

    private func end(closing: Bool, counted: Bool = true) {
        let done = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        done.futureResult.whenComplete { _ in
            if counted { bound.value.host.finished() }
            if closing { bound.value.context.close(promise: nil) }
        }
        context.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: done)
    }

    /// A close that sends RST, whatever is still unsent.
    private func reset() {
        host.finished()
        guard let options = context.channel as? any SocketOptionProvider else {
            return context.close(promise: nil)
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
            bound.value.context.close(promise: nil)
        }
    }

    private func after(_ delay: Int64, _ body: @escaping (AnswerWriter) -> Void) {
        let bound = NIOLoopBound((self, body), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(delay)) { bound.value.1(bound.value.0) }
    }
}
