// What may be given as a Redis, and what is shown of it.

import Testing

@testable import RedisBridge

@Suite struct RedisAddressTests {
    struct Good: Sendable {
        let text: String
        let host: String
        let port: Int
        var database = 0
        var user = ""
        var password: String?
    }

    static let good = [
        Good(text: "redis://127.0.0.1", host: "127.0.0.1", port: 6379),
        Good(text: "redis://localhost:7000/", host: "localhost", port: 7000),
        Good(text: "redis://h:7000/3", host: "h", port: 7000, database: 3),
        Good(text: "redis://[::1]:7000", host: "::1", port: 7000),
        Good(text: "redis://[::1]", host: "::1", port: 6379),
        Good(text: "redis://:p%40ss@h", host: "h", port: 6379, password: "p@ss"),
        Good(text: "redis://u:p:q@h:1/9", host: "h", port: 1, database: 9, user: "u", password: "p:q"),
    ]

    @Test(arguments: good) func isRead(_ good: Good) throws {
        let address = try RedisAddress(good.text)
        #expect(address.host == good.host && address.port == good.port && address.database == good.database)
        #expect(address.user == good.user && address.password == good.password)
    }

    @Test(arguments: [
        "", "127.0.0.1:6379", "http://h", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536", "redis://h:x",
        "redis://h/x", "redis://h/-1", "redis://secret@h", "redis://u:%zz@h", "redis://u:%f@h", "redis://a b",
    ]) func isRefusedWithoutThePassword(_ text: String) {
        let error = #expect(throws: RedisAddress.Bad.self) { try RedisAddress(text) }
        #expect(error?.description.contains("secret") == false)
    }

    @Test func tlsIsRefusedWithAdvice() {
        let error = #expect(throws: RedisAddress.Bad.self) { try RedisAddress("rediss://:secret@h") }
        #expect(error?.description.contains("TLS proxy") == true && error?.description.contains("secret") == false)
    }

    @Test func thePasswordIsNotShown() throws {
        let address = try RedisAddress("redis://u:secret@h:7000/2")
        #expect(address.description == "redis://h:7000/2")
    }
}
