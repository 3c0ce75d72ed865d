// The key and its secret: where they may come from, and that they show nowhere.

import CCurl
import Foundation
import Synchronization
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct SecretTests {
    static func hides(_ text: String) -> Bool { !text.contains(Sample.secret) && !text.contains(Sample.key) }

    @Test func noFormOfTheCredentialsShowsThem() {
        var dumped = ""
        dump(Sample.credentials, to: &dumped)
        dump(["a": Sample.credentials], to: &dumped)
        let shown = [
            "\(Sample.credentials)", String(describing: Sample.credentials), String(reflecting: Sample.credentials),
            "\([Sample.credentials])", "\(Optional(Sample.credentials) as Any)", dumped,
        ]
        #expect(shown.allSatisfy(Self.hides), "\(shown)")
        #expect(Mirror(reflecting: Sample.credentials).children.isEmpty)
    }

    @Test func noFormOfAClientShowsThem() throws {
        try withServer({ _ in .answer(200, "{}") }) { client, _ in
            var dumped = ""
            dump(client, to: &dumped)
            #expect(Self.hides(dumped) && Self.hides("\(client)") && Self.hides(String(reflecting: client)))
        }
    }

    @Test func errorsAboutThemDoNotQuoteThem() {
        for (key, secret) in [(Sample.key + "\r\nX: y", Sample.secret), (Sample.key, Sample.secret + " ")] {
            let error = #expect(throws: CredentialsError.self) { try Credentials(key: key, secret: secret) }
            #expect(Self.hides("\(error!)") && Self.hides(String(reflecting: error!)))
        }
    }

    /// A hostile exchange sends the key back: whole, cut off, and as a value.
    @Test(arguments: [
        (400, Sample.error(-2015, "Invalid key \(Sample.key)!")), (200, #"{"status":"\#(Sample.key)"}"#),
        (200, Sample.orderAnswer(id: "bs1", ["status": "\"\(Sample.key)\""])),
        (400, Sample.error(-2015, String(repeating: "x", count: 490) + Sample.key)),
        (500, Sample.error(-1000, Sample.secret + Sample.key)), (429, Sample.error(-1003, Sample.key)),
    ])
    func anEchoOfTheKeyIsHidden(_ status: Int, _ body: String) throws {
        try withServer({ _ in .answer(status, body) }) { client, _ in
            let answer = client.place(1)
            #expect(!"\(answer)".contains(Sample.key.prefix(8)) && !"\(answer)".contains(Sample.secret.prefix(8)))
            #expect(answer.word != "accepted")
        }
    }

    @Test func theSecretIsNeitherInTheCommandLineNorOnTheWireNorInVerboseOutput() throws {
        let server = ScriptedServer { .answer(200, Sample.orderAnswer($0)) }
        defer { server.stop() }
        let host = try ExchangeHost(server.url, isLive: false, environment: [:])
        let request = Signing.wire(
            Endpoint.placeOrder(Sample.order(1)).plan, sign: Sample.credentials.signature, serverMilliseconds: 1)!
        let transfer = Transfer(
            request, host: host, key: Sample.key, settings: ClientSettings(), totalMilliseconds: 5_000,
            answerBytesMax: 10_000, lastLook: nil)
        let log = Lines()
        #expect(backstop_curl_set_long(transfer.easy, CURLOPT_VERBOSE, 1) == CURLE_OK)
        #expect(
            backstop_curl_set_debug(transfer.easy) { _, _, bytes, count, context in
                let lines = Unmanaged<Lines>.fromOpaque(context!).takeUnretainedValue()
                let text = String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
                lines.text.withLock { $0 += text }
                return 0
            } == CURLE_OK)
        let context = Unmanaged.passUnretained(log).toOpaque()
        #expect(backstop_curl_set_pointer(transfer.easy, CURLOPT_DEBUGDATA, context) == CURLE_OK)
        #expect(curl_easy_perform(transfer.easy) == CURLE_OK)
        let said = log.text.withLock { $0 }
        #expect(said.contains("X-MBX-APIKEY") && !said.contains(Sample.secret))
        #expect(server.received.allSatisfy { !($0.headerText + $0.body + $0.target).contains(Sample.secret) })
        let commandLine = try Data(contentsOf: URL(fileURLWithPath: "/proc/self/cmdline"))
        #expect(Self.hides(String(decoding: commandLine, as: UTF8.self)))
    }

    private final class Lines: Sendable { let text = Mutex("") }

    // MARK: Where they come from

    @Test func theEnvironmentGivesThemAndElseAFile() throws {
        let both = [Credentials.keyVariable: Sample.key, Credentials.secretVariable: Sample.secret]
        #expect(try Credentials(environment: both).key == Sample.key)
        #expect(throws: CredentialsError.missing) {
            try Credentials(environment: [Credentials.keyVariable: Sample.key])
        }
        #expect(throws: CredentialsError.missing) { try Credentials(environment: [:]) }
        try withFile("# mine\n\nkey=\(Sample.key)\nsecret=\(Sample.secret)\n", mode: 0o600) { path in
            let credentials = try Credentials(environment: [Credentials.fileVariable: path])
            #expect(credentials.key == Sample.key)
            #expect(credentials.signature(of: "a") == Sample.credentials.signature(of: "a"))
        }
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o660, 0o700, 0o4600])
    func aFileThatOthersMayReadIsRefused(_ mode: Int) throws {
        try withFile("key=\(Sample.key)\nsecret=\(Sample.secret)\n", mode: mode) { path in
            #expect(
                throws: CredentialsError.fileReadableByOthers(path: path, mode: String(mode, radix: 8))
            ) { try Credentials(file: path) }
        }
    }

    @Test func whatIsNotAPlainFileIsRefused() throws {
        try withFile("key=\(Sample.key)\nsecret=\(Sample.secret)\n", mode: 0o600) { path in
            try FileManager.default.createSymbolicLink(atPath: path + ".link", withDestinationPath: path)
            defer { unlink(path + ".link") }
            #expect(throws: CredentialsError.self) { try Credentials(file: path + ".link") }
            #expect(mkfifo(path + ".fifo", 0o600) == 0)
            defer { unlink(path + ".fifo") }
            #expect(throws: CredentialsError.fileNotAFile(path: path + ".fifo")) {
                try Credentials(file: path + ".fifo")
            }
            #expect(throws: CredentialsError.self) { try Credentials(file: path + ".none") }
            #expect(throws: CredentialsError.self) { try Credentials(file: "/tmp") }
        }
    }

    @Test(arguments: [
        "", "key=\(Sample.key)\n", "secret=\(Sample.secret)",
        "key=\(Sample.key)\nkey=\(Sample.key)\nsecret=\(Sample.secret)",
        "key=\(Sample.key)\nsecret=\(Sample.secret)\nmore=1", "key=a b c d e f\nsecret=\(Sample.secret)",
        "key=\nsecret=", String(repeating: "#\n", count: 5_000), "key=short\nsecret=s",
    ])
    func aMalformedFileIsRefusedWithoutQuotingIt(_ text: String) throws {
        try withFile(text, mode: 0o600) { path in
            let error = #expect(throws: CredentialsError.self) { try Credentials(file: path) }
            #expect(Self.hides("\(error!)"))
        }
    }

    private func withFile(_ text: String, mode: Int, _ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "backstop-key-" + UUID().uuidString
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { unlink(path) }
        #expect(chmod(path, mode_t(mode)) == 0)
        try body(path)
    }
}
