// hiredis' reply functions, ours: hiredis allocates what a server announces, these count first. A reply that goes over
// a cap makes the reader fail, and the connection with it.

internal import CHiredis
internal import Records

/// One object of a reply while hiredis reads it. Children belong to their parent; the root to hiredis.
final class ReplyNode {
    enum Value {
        case null
        case integer(Int64)
        case text([UInt8])
        case error(String)
        case list
    }
    let value: Value
    var children: [ReplyNode] = []

    init(_ value: Value) { self.value = value }

    /// Depth is bounded by hiredis (7).
    var reply: RedisReply {
        switch value {
        case .null: .null
        case .integer(let number): .integer(number)
        case .text(let bytes): .text(bytes)
        case .error(let text): .error(text)
        case .list: .list(children.map(\.reply))
        }
    }
}

/// What one reply may still take.
final class ReplyBudget {
    private(set) var isExceeded = false
    private var bytes = 0
    private var elements = 0

    /// For the next reply.
    func begin() { (bytes, elements, isExceeded) = (0, 0, false) }

    func take(bytes more: Int, elements count: Int) -> Bool {
        guard more >= 0, count >= 0 else { return false }  // no size of anything
        guard more <= Limits.redisReplyBytesMax - bytes,
            count <= Limits.redisReplyElementsMax - elements
        else {
            isExceeded = true
            return false
        }
        bytes += more
        elements += count
        return true
    }
}

enum ReplyBuilder {
    /// For readers whose `privdata` is a `ReplyBudget`. Never freed: every reader points to it.
    nonisolated(unsafe) static let functions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
        let table = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        table.initialize(
            to: redisReplyObjectFunctions(
                createString: { task, bytes, count in
                    guard let task, let bytes, ReplyBuilder.budget(task)?.take(bytes: count, elements: 0) == true else {
                        return nil
                    }
                    let buffer = UnsafeRawBufferPointer(start: bytes, count: count)
                    return task.pointee.type == REDIS_REPLY_ERROR
                        ? ReplyBuilder.add(.error(String(decoding: buffer.prefix(500), as: UTF8.self)), task)
                        : ReplyBuilder.add(.text(Array(buffer)), task)
                },
                createArray: { task, count in
                    guard let task, ReplyBuilder.budget(task)?.take(bytes: 0, elements: Int(count)) == true else {
                        return nil
                    }
                    return ReplyBuilder.add(.list, task)
                },
                createInteger: { task, value in task.flatMap { ReplyBuilder.add(.integer(Int64(value)), $0) } },
                createNil: { task in task.flatMap { ReplyBuilder.add(.null, $0) } },
                freeObject: { object in
                    if let object { Unmanaged<ReplyNode>.fromOpaque(object).release() }
                }))
        return table
    }()

    private static func budget(_ task: UnsafePointer<redisReadTask>) -> ReplyBudget? {
        task.pointee.privdata.map { Unmanaged<ReplyBudget>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func add(
        _ value: ReplyNode.Value, _ task: UnsafePointer<redisReadTask>
    ) -> UnsafeMutableRawPointer? {
        let node = ReplyNode(value)
        guard let parent = task.pointee.parent else { return Unmanaged.passRetained(node).toOpaque() }
        guard let object = parent.pointee.obj else { return nil }
        Unmanaged<ReplyNode>.fromOpaque(object).takeUnretainedValue().children.append(node)
        return Unmanaged.passUnretained(node).toOpaque()
    }

    /// The value of a root that hiredis has handed over.
    static func take(_ root: UnsafeMutableRawPointer) -> RedisReply {
        Unmanaged<ReplyNode>.fromOpaque(root).takeRetainedValue().reply
    }
}
