// What the exit worker and its recorder say to each other, one JSON object a message. The worker waits for none of it.

package import Events
internal import Exchange
internal import Records

/// From the recorder, which has the log open.
package enum RecorderNotice: Hashable, Sendable {
    case opened(log: String, head: UInt64)
    /// A trigger that stands in the log and has no completion yet.
    case panic(ExitTrigger)
    /// The run has its record, and trading is halted since then. It starts no run: the lines that led to it may come
    /// twice, and the second time their run may be gone.
    case bound(trigger: String, panic: UInt64, haltedAtBootNs: UInt64)
    /// So many lines of that run are records now.
    case imported(trigger: String, lines: Int)
    /// The line after those cannot become a record as it is.
    case stuck(trigger: String, line: Int, reason: String)
    case alive
}

/// To the recorder.
package struct RecorderOrder: Hashable, Sendable {
    package let trigger: String
    /// From 0, within its run.
    package let place: Int
    package let line: ExitLine

    package init(trigger: String, place: Int, line: ExitLine) {
        self.trigger = trigger
        self.place = place
        self.line = line
    }

    package var text: String {
        JSONText.render(
            .object([
                JSONMember("trigger", .string(trigger)), JSONMember("place", .number(String(place))),
                JSONMember("record", line.json),
            ]))
    }

    package init(_ text: String) throws(ExitLineError) {
        let json: JSONValue
        do throws(JSONError) { json = try JSONText.read(text) } catch { throw ExitLineError("\(error)") }
        let fields = ExitFields(json)
        trigger = try fields.text("trigger")
        place = try fields.number("place", Int.init)
        guard let record = json["record"] else { throw ExitLineError("record is missing") }
        line = try ExitLine(json: record, trigger: trigger)
    }
}

/// What a run was told, for the audit; nothing depends on its arrival.
package struct RecorderEvidence: Hashable, Sendable {
    package let trigger: String
    package let part: EventEvidence

    package init(trigger: String, part: EventEvidence) {
        self.trigger = trigger
        self.part = part
    }

    package var text: String {
        JSONText.render(
            .object([
                JSONMember("evidence", .string(trigger)),
                JSONMember("started_at_ms", .number(String(part.startedAtMs))),
                JSONMember("part", .number(String(part.part))), JSONMember("parts", .number(String(part.parts))),
                JSONMember("said", .string(part.said)),
            ]))
    }

    /// Nil: it is something else.
    package init?(_ text: String) throws(ExitLineError) {
        let json: JSONValue
        do throws(JSONError) { json = try JSONText.read(text) } catch { throw ExitLineError("\(error)") }
        guard json["evidence"] != nil else { return nil }
        let fields = ExitFields(json)
        trigger = try fields.text("evidence")
        var part = EventEvidence()
        part.rule = ExitRun.rule
        part.startedAtMs = try fields.number("started_at_ms", Int64.init)
        part.part = try fields.number("part", UInt32.init)
        part.parts = try fields.number("parts", UInt32.init)
        part.said = try fields.text("said")
        self.part = part
    }
}

extension RecorderNotice {
    package var text: String {
        let members: [JSONMember] =
            switch self {
            case .opened(let log, let head):
                [
                    JSONMember("say", .string("opened")), JSONMember("log", .string(log)),
                    JSONMember("head", .number(String(head))),
                ]
            case .panic(let trigger): [JSONMember("say", .string("panic")), JSONMember("trigger", trigger.json)]
            case .bound(let trigger, let panic, let haltedAtBootNs):
                [
                    JSONMember("say", .string("bound")), JSONMember("trigger", .string(trigger)),
                    JSONMember("panic", .number(String(panic))),
                    JSONMember("halted_at_boot_ns", .number(String(haltedAtBootNs))),
                ]
            case .imported(let trigger, let lines):
                [
                    JSONMember("say", .string("imported")), JSONMember("trigger", .string(trigger)),
                    JSONMember("lines", .number(String(lines))),
                ]
            case .stuck(let trigger, let line, let reason):
                [
                    JSONMember("say", .string("stuck")), JSONMember("trigger", .string(trigger)),
                    JSONMember("line", .number(String(line))), JSONMember("reason", .string(reason)),
                ]
            case .alive: [JSONMember("say", .string("alive"))]
            }
        return JSONText.render(.object(members))
    }

    package init(_ text: String) throws(ExitLineError) {
        let json: JSONValue
        do throws(JSONError) { json = try JSONText.read(text) } catch { throw ExitLineError("\(error)") }
        let fields = ExitFields(json)
        switch try fields.text("say") {
        case "opened":
            self = .opened(log: try fields.text("log"), head: try fields.number("head", UInt64.init))
        case "panic":
            guard let trigger = json["trigger"] else { throw ExitLineError("trigger is missing") }
            self = .panic(try ExitTrigger(json: trigger))
        case "bound":
            self = .bound(
                trigger: try fields.text("trigger"), panic: try fields.number("panic", UInt64.init),
                haltedAtBootNs: try fields.number("halted_at_boot_ns", UInt64.init))
        case "imported":
            self = .imported(trigger: try fields.text("trigger"), lines: try fields.number("lines", Int.init))
        case "stuck":
            self = .stuck(
                trigger: try fields.text("trigger"), line: try fields.number("line", Int.init),
                reason: try fields.text("reason"))
        case "alive": self = .alive
        case let other: throw ExitLineError("\(ForeignText.tame(other)) is not known")
        }
    }
}
