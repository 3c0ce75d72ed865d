// Who may connect, and what each may do. A user has roles: those that write streams of the catalogue, and `operators`
// (halt and resume, XDEL and XTRIM). Groups and streams that are not in the catalogue are for everyone but a `reader`, who
// only reads; `consumer` adds nothing to that. Without users everybody on this machine may do everything.

internal import Events
internal import Records

package struct RespUser: Equatable, Sendable {
    package let name: String
    package let roles: Set<String>
    fileprivate let digest: [UInt8]
    /// Of a server without users.
    let isEverybody: Bool

    package init(name: String, roles: Set<String>, digest: [UInt8]) {
        (self.name, self.roles, self.digest, isEverybody) = (name, roles, digest, false)
    }

    private init() { (name, roles, digest, isEverybody) = (RespUsers.defaultName, [], [], true) }

    static let everybody = RespUser()

    func has(_ role: String) -> Bool { isEverybody || roles.contains(role) }
    func has(oneOf wanted: some Sequence<String>) -> Bool { isEverybody || wanted.contains(where: roles.contains) }
}

package struct RespUsers: Sendable {
    package static let operators = "operators"
    package static let consumer = "consumer"
    package static let reader = "reader"
    static let defaultName = "default"

    private let table: [String: RespUser]

    /// Nobody is configured.
    package static let none = RespUsers(table: [:])

    private init(table: [String: RespUser]) { self.table = table }

    package var isEmpty: Bool { table.isEmpty }
    package var count: Int { table.count }

    /// Who a connection is before it says so; nil: nobody yet.
    var first: RespUser? { isEmpty ? .everybody : nil }

    /// The user of that name and password; nil: there is none.
    func user(_ name: [UInt8], _ password: [UInt8]) -> RespUser? {
        if isEmpty { return name.elementsEqual(RespUsers.defaultName.utf8) ? .everybody : nil }
        let digest = Digest.sha256(password).bytes
        guard let user = table[String(decoding: name, as: UTF8.self)] else { return nil }
        // In the same time whatever differs.
        let difference = zip(user.digest, digest).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 ? user : nil
    }

    // MARK: The file

    package struct Bad: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    /// Every role that a user may have.
    package static let roles: [String] = {
        let writers = Set(StreamCatalogue.entries.flatMap(\.writers)).sorted()
        return writers + [operators, consumer, reader]
    }()

    /// A user a line: name, SHA-256 of the password in hex, roles. Empty lines and lines that begin with # are none.
    package init(reading text: String) throws(Bad) {
        var table: [String: RespUser] = [:]
        guard text.utf8.count <= Limits.respUsersBytesMax else {
            throw Bad(description: "more than \(Limits.respUsersBytesMax) bytes")
        }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let name = words.first, !name.hasPrefix("#") else { continue }
            let user = try RespUsers.user(words, line: number + 1)
            guard table.updateValue(user, forKey: name) == nil else {
                throw Bad(description: "line \(number + 1): user \(name) stands there twice")
            }
        }
        guard !table.isEmpty else { throw Bad(description: "no user in it") }
        self.table = table
    }

    private static func user(_ words: [String], line: Int) throws(Bad) -> RespUser {
        let shape = "line \(line): NAME SHA256-OF-THE-PASSWORD ROLE… is needed"
        guard words.count >= 3 else { throw Bad(description: shape) }
        guard words[0].utf8.count <= Limits.producerBytesMax else {
            throw Bad(description: "line \(line): a name of at most \(Limits.producerBytesMax) bytes is needed")
        }
        guard let digest = Hex.decode(words[1]), digest.count == Digest.byteCount else {
            throw Bad(
                description: "\(shape); 64 hex digits, as of: printf %s PASSWORD | sha256sum")
        }
        for role in words[2...] where !roles.contains(role) {
            throw Bad(description: "line \(line): no role \(role); there are: \(roles.joined(separator: ", "))")
        }
        return RespUser(name: words[0], roles: Set(words[2...]), digest: digest)
    }
}
