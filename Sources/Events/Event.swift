// A record's typed message, one case for each kind. The one place where a kind's number meets its
// generated type: whoever switches over Event is told by the compiler when a kind is added.
// It must never decode leniently: bytes that are not of their kind are an error.

import Records
import SwiftProtobuf

package enum Event: Equatable, Sendable {
    case sessionStarted(EventSessionStarted)
    case streamCreated(EventStreamCreated)
    case conflict(EventConflict)
    case streamHidden(EventStreamHidden)
    case groupChanged(EventGroupChanged)
    case logRestored(EventLogRestored)
    case untyped(EventUntyped)
    case configApplied(EventConfigApplied)
    case messageRefused(EventMessageRefused)
    case evidence(EventEvidence)
    case stateDigest(EventStateDigest)
    case decision(EventDecision)
    case decisionRefused(EventDecisionRefused)
    case tradeIntent(EventTradeIntent)
    case executionResult(EventExecutionResult)
    case orderRequested(EventOrderRequested)
    case orderOutcome(EventOrderOutcome)
    case fill(EventFill)
    case fillDetail(EventFillDetail)
    case positionAttested(EventPositionAttested)
    case heartbeat(EventHeartbeat)
    case panicRequested(EventPanicRequested)
    case panicRefused(EventPanicRefused)
    case panicCompleted(EventPanicCompleted)
    case halt(EventHalt)
    case resume(EventResume)
    case reducingRaised(EventReducingRaised)
    case reducingEnded(EventReducingEnded)

    /// Throws where `typed` are not the bytes of a message of that kind.
    package init(_ kind: EventKind, typed: [UInt8]) throws(MessageError) {
        do {
            self = try Event.decoded(kind, typed)
        } catch {
            throw MessageError("body", "not a readable \(kind.name): \(error)")
        }
    }

    private static func decoded(_ kind: EventKind, _ typed: [UInt8]) throws -> Event {
        switch kind {
        case .sessionStarted: .sessionStarted(try .init(serializedBytes: typed))
        case .streamCreated: .streamCreated(try .init(serializedBytes: typed))
        case .conflict: .conflict(try .init(serializedBytes: typed))
        case .streamHidden: .streamHidden(try .init(serializedBytes: typed))
        case .groupChanged: .groupChanged(try .init(serializedBytes: typed))
        case .logRestored: .logRestored(try .init(serializedBytes: typed))
        case .untyped: .untyped(try .init(serializedBytes: typed))
        case .configApplied: .configApplied(try .init(serializedBytes: typed))
        case .messageRefused: .messageRefused(try .init(serializedBytes: typed))
        case .evidence: .evidence(try .init(serializedBytes: typed))
        case .stateDigest: .stateDigest(try .init(serializedBytes: typed))
        case .decision: .decision(try .init(serializedBytes: typed))
        case .decisionRefused: .decisionRefused(try .init(serializedBytes: typed))
        case .tradeIntent: .tradeIntent(try .init(serializedBytes: typed))
        case .executionResult: .executionResult(try .init(serializedBytes: typed))
        case .orderRequested: .orderRequested(try .init(serializedBytes: typed))
        case .orderOutcome: .orderOutcome(try .init(serializedBytes: typed))
        case .fill: .fill(try .init(serializedBytes: typed))
        case .fillDetail: .fillDetail(try .init(serializedBytes: typed))
        case .positionAttested: .positionAttested(try .init(serializedBytes: typed))
        case .heartbeat: .heartbeat(try .init(serializedBytes: typed))
        case .panicRequested: .panicRequested(try .init(serializedBytes: typed))
        case .panicRefused: .panicRefused(try .init(serializedBytes: typed))
        case .panicCompleted: .panicCompleted(try .init(serializedBytes: typed))
        case .halt: .halt(try .init(serializedBytes: typed))
        case .resume: .resume(try .init(serializedBytes: typed))
        case .reducingRaised: .reducingRaised(try .init(serializedBytes: typed))
        case .reducingEnded: .reducingEnded(try .init(serializedBytes: typed))
        }
    }

    package var kind: EventKind { parts.kind }

    /// The message's bytes: fields in the order of their numbers, so the same message is the same bytes.
    package var typed: [UInt8] {
        do {
            return try parts.message.serializedBytes()
        } catch {
            // Only proto2's required fields, Any, and 2 GiB can fail.
            preconditionFailure("a message of proto3 that does not serialize: \(error)")
        }
    }

    private var parts: (kind: EventKind, message: any Message) {
        switch self {
        case .sessionStarted(let message): (.sessionStarted, message)
        case .streamCreated(let message): (.streamCreated, message)
        case .conflict(let message): (.conflict, message)
        case .streamHidden(let message): (.streamHidden, message)
        case .groupChanged(let message): (.groupChanged, message)
        case .logRestored(let message): (.logRestored, message)
        case .untyped(let message): (.untyped, message)
        case .configApplied(let message): (.configApplied, message)
        case .messageRefused(let message): (.messageRefused, message)
        case .evidence(let message): (.evidence, message)
        case .stateDigest(let message): (.stateDigest, message)
        case .decision(let message): (.decision, message)
        case .decisionRefused(let message): (.decisionRefused, message)
        case .tradeIntent(let message): (.tradeIntent, message)
        case .executionResult(let message): (.executionResult, message)
        case .orderRequested(let message): (.orderRequested, message)
        case .orderOutcome(let message): (.orderOutcome, message)
        case .fill(let message): (.fill, message)
        case .fillDetail(let message): (.fillDetail, message)
        case .positionAttested(let message): (.positionAttested, message)
        case .heartbeat(let message): (.heartbeat, message)
        case .panicRequested(let message): (.panicRequested, message)
        case .panicRefused(let message): (.panicRefused, message)
        case .panicCompleted(let message): (.panicCompleted, message)
        case .halt(let message): (.halt, message)
        case .resume(let message): (.resume, message)
        case .reducingRaised(let message): (.reducingRaised, message)
        case .reducingEnded(let message): (.reducingEnded, message)
        }
    }
}
