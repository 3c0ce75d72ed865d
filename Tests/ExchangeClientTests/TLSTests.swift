// Certificates are checked: an order does not leave towards a server that nobody vouches for, or that somebody
// vouches for under another name. The peer is openssl's own test server.

import CCurl
import Foundation
import Programmes
import Synchronization
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct TLSTests {
    @Test func aCertificateThatNobodySignedEndsTheTransferBeforeTheOrderLeaves() throws {
        try Self.withTLSServer(name: "IP:127.0.0.1") { url, _ in
            let host = try ExchangeHost(url, isLive: false, environment: [:])
            let client = ExchangeClient(host: host, credentials: Sample.credentials, settings: ClientSettings())
            defer { client.close() }
            #expect(client.place(1).word == "notSent/insecure")
            #expect(client.ask(.accountConfig(), .ordinary).word == "notSent/insecure")
        }
    }

    /// Without this control the test above could pass because the server does not work at all.
    @Test func theSameServerIsReachedByWhoTrustsItsCertificate() throws {
        try Self.withTLSServer(name: "IP:127.0.0.1") { url, certificate in
            let code = try perform(url, trusting: certificate)
            #expect(code == CURLE_OK)
        }
    }

    @Test func aTrustedCertificateOfAnotherNameIsRefused() throws {
        try Self.withTLSServer(name: "DNS:fapi.binance.com") { url, certificate in
            let code = try perform(url, trusting: certificate)
            #expect(code == CURLE_PEER_FAILED_VERIFICATION)
        }
    }

    private func perform(_ url: String, trusting certificate: String) throws -> CURLcode {
        let host = try ExchangeHost(url, isLive: false, environment: [:])
        let request = try #require(Signing.wire(Endpoint.ping.plan, sign: nil, serverMilliseconds: 1))
        let transfer = Transfer(
            request, host: host, key: nil, settings: ClientSettings(), totalMilliseconds: 10_000,
            answerBytesMax: 1 << 20, lastLook: nil)
        #expect(backstop_curl_set_text(transfer.easy, CURLOPT_CAINFO, certificate) == CURLE_OK)
        return curl_easy_perform(transfer.easy)
    }

    /// A self-signed certificate and a server that answers every GET with a page.
    static func withTLSServer<Result>(
        name: String, _ body: (_ url: String, _ certificate: String) throws -> Result
    ) throws -> Result {
        let folder = NSTemporaryDirectory() + "backstop-tls-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (key, certificate) = (folder + "/key.pem", folder + "/certificate.pem")
        let made = try openssl(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
                "-subj", "/CN=test", "-addext", "subjectAltName=\(name)", "-keyout", key, "-out", certificate,
            ], folder
        ).finish()
        #expect(made.status == 0, "\(made)")
        let server = try openssl(
            ["s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate, "-www"], folder)
        var line = ""
        // "ACCEPT 127.0.0.1:40123"
        while !line.hasPrefix("ACCEPT ") { line = try #require(try server.answers?.next(), "\(server.errors)") }
        let port = try #require(line.split(separator: ":").last)
        return try withExtendedLifetime(server) { try body("https://127.0.0.1:\(port)", certificate) }
    }

    private static func openssl(_ arguments: [String], _ folder: String) throws -> RunningProgram {
        try RunningProgram(
            arguments, folder: folder, environment: [:], piped: .inputAndOutput, program: "/usr/bin/openssl")
    }
}
