// What a key means here: a stream (by either of its names), or one of the virtual keys that show the log's state in
// the form in which other tools look for it. Virtual keys are functions of the records; dedup keys alone can be claimed.

internal import EventLog
internal import Events
package import Records
internal import Services

package enum Key: Equatable {
    case stream(StreamName)
    /// The hash that tells whether trading is halted, and why.
    case haltHash
    /// The same as a string.
    case haltText
    /// There where the trace has its intent, or somebody has claimed it.
    case intentDedup(trace: String)
    /// There where somebody has claimed it.
    case orderDedup
    /// No key can have this name here: why.
    case impossible(String)
    /// An extension's own value, which is no stream.
    case other

    static let haltHashName = HaltKeys.hashName
    static let haltTextName = HaltKeys.textName
    static let intentDedupPrefix = HaltKeys.intentDedupPrefix
    static let orderDedupPrefix = "quantum:dedup:order:"

    init(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            self = .impossible("keys are UTF-8 here")
            return
        }
        switch text {
        case Key.haltHashName: self = .haltHash
        case Key.haltTextName: self = .haltText
        case _ where text.hasPrefix(Key.intentDedupPrefix):
            self = .intentDedup(trace: String(text.dropFirst(Key.intentDedupPrefix.count)))
        case _ where text.hasPrefix(Key.orderDedupPrefix): self = .orderDedup
        default:
            do { self = .stream(try StreamCatalogue.resolve(text)) } catch { self = .impossible("\(error)") }
        }
    }

    var isHalt: Bool { self == .haltHash || self == .haltText }
}

extension Key {
    /// For commands on streams that read: nil, no such stream can be.
    package func streamToRead() throws(RespError) -> StreamName? {
        switch self {
        case .stream(let name): return name
        case .impossible: return nil
        case .haltHash, .haltText, .intentDedup, .orderDedup, .other: throw .wrongType
        }
    }

    /// For commands that make the stream.
    func streamToWrite() throws(RespError) -> StreamName {
        switch self {
        case .stream(let name): return name
        case .impossible(let why): throw RespError(why)
        case .haltHash, .haltText, .intentDedup, .orderDedup, .other: throw .wrongType
        }
    }

    /// A group's or consumer's name; nil: none can have it.
    static func name(_ bytes: [UInt8]) -> String? { String(validating: bytes, as: UTF8.self) }

    static func newName(_ bytes: [UInt8], _ field: String) throws(RespError) -> String {
        guard let name = Key.name(bytes) else { throw RespError("\(field): names are UTF-8 here") }
        return name
    }
}

/// The group that a command names.
struct GroupPlace {
    let stream: StreamName
    let group: String
    let streamState: StreamState
    let state: GroupState

    /// Nil: the stream or the group is not there.
    static func find(
        _ key: Key, _ group: [UInt8], _ view: borrowing some LogView & ~Copyable
    ) throws -> GroupPlace? {
        guard let stream = try key.streamToRead(), let name = Key.name(group),
            let streamState = try view.stream(stream), let state = try view.groupState(stream, name)
        else { return nil }
        return GroupPlace(stream: stream, group: name, streamState: streamState, state: state)
    }
}
