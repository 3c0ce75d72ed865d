// A restore as a message, and back. It must never read leniently: who a log's parent is decides whether orders may be sent.

internal import Foundation
internal import Records
internal import SwiftProtobuf

extension Restoration {
    var message: EventLogRestored {
        .with {
            $0.logID = Data(id.bytes)
            $0.parentID = Data(parent.bytes)
            $0.parentSequence = parentHead.sequence.rawValue
            $0.parentHash = Data(parentHead.hash.bytes)
            $0.verdict = verdict.message
            $0.knownHeads = known.map { head in
                .with { ($0.sequence, $0.hash) = (head.sequence.rawValue, Data(head.hash.bytes)) }
            }
        }
    }
}

enum Restorations {
    static func read(_ body: [UInt8]) throws(MessageError) -> Restoration {
        guard case .logRestored(let message) = try EventRecord.event(.logRestored, body: body) else {
            throw MessageError("kind", "log.restored is expected")
        }
        guard let id = LogID([UInt8](message.logID)), let parent = LogID([UInt8](message.parentID)) else {
            throw MessageError("log_id", "two ids of 16 bytes are needed")
        }
        return Restoration(
            id: id, parent: parent, parentHead: try head(message.parentSequence, message.parentHash),
            verdict: try verdict(message.verdict), known: try known(message.knownHeads))
    }

    private static func known(_ heads: [EventKnownHead]) throws(MessageError) -> [Head] {
        var known: [Head] = []
        for one in heads { known.append(try head(one.sequence, one.hash)) }
        return known
    }

    private static func head(_ sequence: UInt64, _ hash: Data) throws(MessageError) -> Head {
        guard let hash = Digest(hex: Hex.encode([UInt8](hash))) else {
            throw MessageError("parent_head", "a hash of 32 bytes is needed")
        }
        return Head(sequence: SequenceNumber(sequence), hash: hash)
    }

    private static func verdict(_ verdict: EventRestoreVerdict) throws(MessageError) -> Restoration.Verdict {
        switch verdict {
        case .current: return .current
        case .behind: return .behind
        case .unknown: return .unknown
        case .unspecified, .UNRECOGNIZED: throw MessageError("verdict", "must be one that this version knows")
        }
    }
}

extension Restoration.Verdict {
    fileprivate var message: EventRestoreVerdict {
        switch self {
        case .current: .current
        case .behind: .behind
        case .unknown: .unknown
        }
    }
}

extension EventLogRestored {
    var listing: Listing {
        var list = Listing()
        list.text("log_id", Hex.encode([UInt8](logID)))
        list.text("parent_id", Hex.encode([UInt8](parentID)))
        list.text("parent_head", "\(parentSequence):\(Hex.encode([UInt8](parentHash)))")
        list.word("verdict", verdict)
        if !knownHeads.isEmpty {
            list.add("known_heads", .list(knownHeads.map { "\($0.sequence):\(Hex.encode([UInt8]($0.hash)))" }))
        }
        return list
    }
}
