// A trigger that was accepted, as the exit worker carries it out. `id` names the run and all its closes: the log and
// the sequence of the trigger's record, or, where no log took it, the event id and the moment it came.

package import Events
package import Records

package struct ExitTrigger: Hashable, Sendable {
    package let id: String
    /// None: it came through the local socket, and no record of it is known.
    package let sequence: SequenceNumber
    /// `<stream>/<entry id>` where its producer gave none.
    package let eventID: String
    package let reason: String
    package let issuer: String
    package let severity: String
    package let producedAtNs: Int64
    /// By the wall clock: when it was appended, or came.
    package let acceptedAtNs: Int64
    /// By the boot clock: since when no opening order can commit. 0: since another boot; nil: no record says so yet.
    package let haltedAtBootNs: UInt64?

    /// From a record.
    package init(
        log: LogID, sequence: SequenceNumber, eventID: String, reason: String, issuer: String, severity: String,
        producedAtNs: Int64, acceptedAtNs: Int64, haltedAtBootNs: UInt64
    ) {
        id = "\(log)/\(sequence)"
        self.sequence = sequence
        self.eventID = eventID
        self.reason = reason
        self.issuer = issuer
        self.severity = severity
        self.producedAtNs = producedAtNs
        self.acceptedAtNs = acceptedAtNs
        self.haltedAtBootNs = haltedAtBootNs
    }

    /// From the local socket.
    package init(_ request: EventPanicRequested, cameAt: Timestamp) {
        let name = request.eventID.isEmpty ? request.issuer : request.eventID
        id = "\(name)/\(cameAt.nanoseconds)"
        sequence = .none
        eventID = request.eventID.isEmpty ? id : request.eventID
        reason = request.reason
        issuer = request.issuer
        severity = request.severity
        producedAtNs = request.producedAtNs
        acceptedAtNs = cameAt.nanoseconds
        haltedAtBootNs = nil
    }

    /// For its record, where no log had it.
    package var request: EventPanicRequested {
        var request = EventPanicRequested()
        request.eventID = eventID
        request.reason = reason
        request.issuer = issuer
        request.severity = severity
        request.producedAtNs = producedAtNs
        return request
    }
}

extension ExitTrigger {
    package var json: JSONValue {
        var members = [
            JSONMember("id", .string(id)), JSONMember("sequence", .number(String(sequence.rawValue))),
            JSONMember("event_id", .string(eventID)), JSONMember("reason", .string(reason)),
            JSONMember("issued_by", .string(issuer)), JSONMember("severity", .string(severity)),
            JSONMember("produced_at_ns", .number(String(producedAtNs))),
            JSONMember("accepted_at_ns", .number(String(acceptedAtNs))),
        ]
        if let haltedAtBootNs { members.append(JSONMember("halted_at_boot_ns", .number(String(haltedAtBootNs)))) }
        return .object(members)
    }

    package init(json: JSONValue) throws(ExitLineError) {
        let fields = ExitFields(json)
        id = try fields.text("id")
        sequence = SequenceNumber(try fields.number("sequence", UInt64.init))
        eventID = try fields.text("event_id")
        reason = try fields.text("reason")
        issuer = try fields.text("issued_by")
        severity = try fields.text("severity")
        producedAtNs = try fields.number("produced_at_ns", Int64.init)
        acceptedAtNs = try fields.number("accepted_at_ns", Int64.init)
        haltedAtBootNs =
            json["halted_at_boot_ns"] == nil ? nil : try fields.number("halted_at_boot_ns", UInt64.init)
    }
}
