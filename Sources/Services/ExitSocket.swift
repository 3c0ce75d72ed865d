// The exit worker's local socket: where it is, and what is said over it. A trigger goes in with the fields of its
// form A, as one flat JSON object; the answer says whether it was taken. It is for the moments in which the log does
// not take the trigger, so nothing here may need the log.

internal import Events
internal import Processes
package import Records

package enum ExitSocket {
    package enum Answer: Equatable, Sendable {
        case taken
        case refused(String)
    }

    /// The bytes are no message of this socket.
    package struct Unreadable: Error, Equatable, CustomStringConvertible {
        package let description: String
        package init(_ description: String) { self.description = description }
    }

    /// `exit.socket`, else the service manager's runtime folder, else the log's folder.
    package static func path(
        _ settings: Settings, logFolder: String, environment: [String: String]
    ) throws(SettingError) -> String {
        let path = chosen(settings.text("exit.socket"), logFolder, environment)
        guard path.utf8.count <= Limits.localSocketPathBytesMax else {
            throw SettingError(
                "exit.socket",
                "\(path) has \(path.utf8.count) bytes, a socket's path may have \(Limits.localSocketPathBytesMax)")
        }
        return path
    }

    private static func chosen(_ setting: String, _ logFolder: String, _ environment: [String: String]) -> String {
        if !setting.isEmpty { return setting }
        // systemd separates several folders by colons; the first is ours.
        let runtime = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first.map(String.init) ?? ""
        return (runtime.isEmpty ? logFolder : runtime) + "/exit.sock"
    }

    /// Asks the exit worker to take a trigger. Throws where nobody answered: the worker may have it all the same.
    package static func send(_ trigger: FieldMap, to path: String, milliseconds: Int) throws -> Answer {
        try answer(
            reading: LocalSocket.exchange(path: path, message: message(trigger), milliseconds: milliseconds))
    }
}

// MARK: - Bytes

extension ExitSocket {
    package static func message(_ trigger: FieldMap) -> [UInt8] {
        let members = trigger.fields.map {
            JSONMember(String(decoding: $0.name, as: UTF8.self), .string(String(decoding: $0.value, as: UTF8.self)))
        }
        return Array(JSONText.render(.object(members)).utf8)
    }

    /// The trigger's fields; whether they are a trigger is for `PanicTrigger` to judge.
    package static func trigger(reading message: [UInt8]) throws(Unreadable) -> FieldMap {
        guard case .object(let members) = try value(message) else { throw Unreadable("an object is needed") }
        var fields = FieldMap()
        for member in members {
            switch member.value {
            case .string(let text), .number(let text): fields.append(member.name, text)
            case .null, .bool, .array, .object:
                throw Unreadable("a member \(member.value.typeName): text or a number is needed")
            }
        }
        do { try fields.check() } catch { throw Unreadable(error.description) }
        return fields
    }

    package static func bytes(_ answer: Answer) -> [UInt8] {
        switch answer {
        case .taken: return render([JSONMember("outcome", .string("taken"))])
        case .refused(let reason):
            return render([JSONMember("outcome", .string("refused")), JSONMember("reason", .string(reason))])
        }
    }

    package static func answer(reading bytes: [UInt8]) throws(Unreadable) -> Answer {
        let value = try value(bytes)
        switch value["outcome"] {
        case .string("taken"): return .taken
        case .string("refused"):
            guard case .string(let reason) = value["reason"] else { throw Unreadable("a refusal without a reason") }
            return .refused(reason)
        default: throw Unreadable("an answer that is neither taken nor refused")
        }
    }

    private static func value(_ bytes: [UInt8]) throws(Unreadable) -> JSONValue {
        do { return try JSONText.read(bytes) } catch { throw Unreadable(error.description) }
    }

    private static func render(_ members: [JSONMember]) -> [UInt8] {
        Array(JSONText.render(.object(members)).utf8)
    }
}
