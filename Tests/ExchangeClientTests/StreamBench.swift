// What the stream's tests share: the notices of a stream, with waits on them, and a stream against a scripted server.

import Foundation
import Testing

@testable import Exchange
@testable import ExchangeClient

/// Takes a stream's notices in their order.
final class Notices: @unchecked Sendable {
    private let condition = NSCondition()
    private var notices: [StreamNotice] = []

    func take(_ notice: StreamNotice) {
        condition.withLock {
            notices.append(notice)
            condition.broadcast()
        }
    }

    var all: [StreamNotice] { condition.withLock { notices } }
    var words: [String] { all.map(\.word) }
    var losses: [StreamLoss] { all.compactMap { if case .disconnected(let loss) = $0 { loss } else { nil } } }

    /// Until it is so, or 30 seconds have gone by.
    func wait(until isSo: ([StreamNotice]) -> Bool) -> Bool {
        condition.withLock {
            let limit = Date(timeIntervalSinceNow: 30)
            while !isSo(notices) { if !condition.wait(until: limit) { return isSo(notices) } }
            return true
        }
    }

    func wait(for word: String, times: Int = 1) -> Bool { wait { $0.count { $0.word == word } >= times } }
}

/// Short waits between attempts, and none of them by chance.
func quickSettings(_ change: (inout StreamSettings) -> Void = { _ in }) -> StreamSettings {
    var settings = StreamSettings()
    settings.pacing.backoffMillisecondsMin = 2
    settings.pacing.backoffMillisecondsMax = 20
    change(&settings)
    return settings
}

/// REST gives the key, each connection of the stream is the closure's: its number begins with 1. Everything ends with
/// the test.
func withStream(
    settings: StreamSettings = quickSettings(),
    rest: @escaping @Sendable (ReceivedRequest) -> Reaction = { _ in StreamBench.keyAnswer },
    _ connection: @escaping @Sendable (StreamPeer, Int) -> Void,
    _ body: (UserStream, Notices, ScriptedServer) throws -> Void
) throws {
    let count = Counter()
    try withServer({ request in
        guard request.path.hasPrefix("/private/ws/") else { return rest(request) }
        let number = count.next()
        return .handOver { connection($0, number) }
    }) { client, server in
        let notices = Notices()
        let stream = UserStream(client: client, settings: settings) { notices.take($0) }
        defer { stream.close() }
        try body(stream, notices, server)
    }
}

enum StreamBench {
    static let key = ListenKeyTests.text
    static let keyAnswer = Reaction.answer(200, #"{"listenKey":"\#(key)"}"#)

    static func event(_ number: Int) -> String { #"{"e":"X\#(number)","E":1}"# }
}

final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}
