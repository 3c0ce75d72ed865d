// One HTTP connection: collects a request, asks the host, gives the answer to `AnswerWriter`. It must never
// look at what a request means.

import ExchangeSimulation
import NIOCore
import NIOHTTP1
import Records

final class HTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    static let name = "backstop.http"

    private let host: VenueHost
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var isTooLarge = false

    init(host: VenueHost) { self.host = host }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.removeAll(keepingCapacity: true)
            isTooLarge = false
        case .body(let part):
            if body.count + part.readableBytes > Limits.simulatedBodyBytesMax {
                isTooLarge = true
            } else {
                body.append(contentsOf: part.readableBytesView)
            }
        case .end:
            guard let head else { return }
            self.head = nil
            host.arrivals?.add(head, at: Arrivals.now())
            answer(head, context)
        }
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let writer = AnswerWriter(host: host, context: context, head: head)
        guard !isTooLarge else { return writer.refuseTooLarge() }
        let halves = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let request = Request(
            method: head.method.rawValue, path: String(halves[0]), query: halves.count > 1 ? String(halves[1]) : "",
            body: String(decoding: body, as: UTF8.self), apiKey: head.headers.first(name: "X-MBX-APIKEY"),
            client: context.remoteAddress?.ipAddress ?? "unknown")
        host.handle(request) { writer.perform($0) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
