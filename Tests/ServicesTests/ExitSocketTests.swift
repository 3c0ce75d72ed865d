// Where the exit worker's socket is, and what is said over it.

import Events
import Records
import Services
import Testing

@Suite struct ExitSocketTests {
    @Test(arguments: [
        ("", [:], "/var/log/exit.sock"), ("", ["RUNTIME_DIRECTORY": ""], "/var/log/exit.sock"),
        ("", ["RUNTIME_DIRECTORY": "/run/backstop"], "/run/backstop/exit.sock"),
        ("", ["RUNTIME_DIRECTORY": "/run/a:/run/b"], "/run/a/exit.sock"),
        ("/tmp/e", ["RUNTIME_DIRECTORY": "/run/backstop"], "/tmp/e"),
    ])
    func settingBeatsRuntimeFolderBeatsLogFolder(setting: String, environment: [String: String], path: String) throws {
        let settings = try Settings(file: nil, environment: [:], options: ["exit.socket": setting])
        #expect(try ExitSocket.path(settings, logFolder: "/var/log", environment: environment) == path)
    }

    @Test func aPathThatIsTooLongNamesTheSetting() throws {
        let settings = try Settings(file: nil, environment: [:], options: [:])
        let folder = "/" + String(repeating: "x", count: 100)
        let error = #expect(throws: SettingError.self) {
            try ExitSocket.path(settings, logFolder: folder, environment: [:])
        }
        #expect(error?.description.hasPrefix("setting exit.socket: /xxx") == true)
        #expect(error?.description.contains("has 111 bytes, a socket's path may have 107") == true)
    }

    @Test func aTriggerComesOutAsItWentIn() throws {
        let trigger = FieldMap([
            ("event_id", "e"), ("reason", "\"quoted\"\nü"), ("severity", "CRITICAL"), ("issued_by", "ops"), ("ts", "1"),
        ])
        #expect(try ExitSocket.trigger(reading: ExitSocket.message(trigger)) == trigger)
        #expect(try ExitSocket.trigger(reading: Array("{\"ts\":1}".utf8)) == FieldMap([("ts", "1")]))
    }

    @Test(arguments: ["", "[]", "{}", "{\"a\":{}}", "{\"a\":true}", "{\"a\":null}", "{", "\u{fffd}"])
    func whatIsNoFlatObjectIsRefused(text: String) {
        #expect(throws: ExitSocket.Unreadable.self) { try ExitSocket.trigger(reading: Array(text.utf8)) }
    }

    @Test(arguments: [ExitSocket.Answer.taken, .refused("issuer \"x\"")])
    func answersComeOutAsTheyWentIn(answer: ExitSocket.Answer) throws {
        #expect(try ExitSocket.answer(reading: ExitSocket.bytes(answer)) == answer)
    }

    @Test func answersHaveTheAgreedText() {
        #expect(String(decoding: ExitSocket.bytes(.taken), as: UTF8.self) == #"{"outcome":"taken"}"#)
        #expect(
            String(decoding: ExitSocket.bytes(.refused("old")), as: UTF8.self)
                == #"{"outcome":"refused","reason":"old"}"#)
    }

    @Test(arguments: ["", "{}", "{\"outcome\":\"perhaps\"}", "{\"outcome\":\"refused\"}", "taken"])
    func otherAnswersAreErrors(text: String) {
        #expect(throws: ExitSocket.Unreadable.self) { try ExitSocket.answer(reading: Array(text.utf8)) }
    }
}
