// The API key and its secret. They come from the environment or from a file that only its owner may read,
// and never from a command line. They must never be shown: no description, no mirror, no error and no log
// line of this type holds a byte of them, and nothing here may hand the secret out as text.

internal import Crypto
internal import Exchange
internal import Glibc
internal import Records

package enum CredentialsError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing
    case fileUnreadable(path: String, why: String)
    case fileNotAFile(path: String)
    case fileOfAnotherUser(path: String)
    case fileReadableByOthers(path: String, mode: String)
    case malformed(String)

    package var description: String {
        switch self {
        case .missing:
            "no exchange key: set \(Credentials.keyVariable) and \(Credentials.secretVariable), or \(Credentials.fileVariable)"
        case .fileUnreadable(let path, let why): "the key file \(path) cannot be read: \(why)"
        case .fileNotAFile(let path): "the key file \(path) is not a plain file"
        case .fileOfAnotherUser(let path): "the key file \(path) belongs to another user; chown it to this one"
        case .fileReadableByOthers(let path, let mode):
            "the key file \(path) has mode \(mode); its owner alone may read it: chmod 600 \(path)"
        case .malformed(let what): "the exchange key is malformed: \(what)"
        }
    }
}

package struct Credentials: Sendable {
    package static let keyVariable = "BACKSTOP_EXCHANGE_KEY"
    package static let secretVariable = "BACKSTOP_EXCHANGE_SECRET"
    package static let fileVariable = "BACKSTOP_EXCHANGE_KEY_FILE"

    /// For the X-MBX-APIKEY header alone.
    let key: String
    private let secret: SymmetricKey

    package init(key: String, secret: String) throws(CredentialsError) {
        try Credentials.check(key, "key")
        try Credentials.check(secret, "secret")
        self.key = key
        self.secret = SymmetricKey(data: Array(secret.utf8))
    }

    /// From the two variables, else from the file that the third one names.
    package init(environment: [String: String]) throws(CredentialsError) {
        if let key = environment[Credentials.keyVariable], let secret = environment[Credentials.secretVariable] {
            try self.init(key: key, secret: secret)
        } else if let path = environment[Credentials.fileVariable] {
            try self.init(file: path)
        } else {
            throw .missing
        }
    }

    /// Two lines, `key=…` and `secret=…`; empty lines and lines that begin with # are skipped. The file must
    /// be ours, plain, and of mode 0600 or 0400.
    package init(file path: String) throws(CredentialsError) {
        var key: String?
        var secret: String?
        for line in try Credentials.text(ofFile: path).split(whereSeparator: \.isNewline) {
            if line.hasPrefix("#") || line.allSatisfy(\.isWhitespace) { continue }
            if line.hasPrefix("key="), key == nil {
                key = String(line.dropFirst("key=".count))
            } else if line.hasPrefix("secret="), secret == nil {
                secret = String(line.dropFirst("secret=".count))
            } else {
                throw .malformed("\(path) may hold one line key=… and one line secret=…, and comments")
            }
        }
        guard let key, let secret else { throw .malformed("\(path) needs a line key=… and a line secret=…") }
        try self.init(key: key, secret: secret)
    }

    /// HMAC-SHA256 in lower-case hexadecimal.
    func signature(of text: String) -> String {
        Hex.encode(Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: secret)))
    }

    /// What an exchange wrote, without our key or secret, should it have echoed one of them: whole, or cut off
    /// after its first eight bytes.
    func scrub(_ text: String) -> String {
        let secretText = secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        return Credentials.hide(secretText, in: Credentials.hide(key, in: text))
    }

    /// - Parameter word: at least eight bytes.
    static func hide(_ word: String, in text: String) -> String {
        let start = Array(word.utf8.prefix(credentialBytesMin))
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let place = rest.firstRange(of: start) {
            out += rest[..<place.lowerBound] + Array("(hidden)".utf8)
            let shown = zip(rest[place.lowerBound...], word.utf8).prefix { $0 == $1 }.count
            rest = rest[(place.lowerBound + shown)...]
        }
        return String(decoding: out + rest, as: UTF8.self)
    }

    private static let credentialBytesMin = 8

    // MARK: Checks

    /// Printable ASCII without space: what a header can hold and nothing that could end one.
    private static func check(_ text: String, _ what: String) throws(CredentialsError) {
        guard (credentialBytesMin...Limits.credentialBytesMax).contains(text.utf8.count) else {
            throw .malformed(
                "the \(what) has \(text.utf8.count) bytes, \(credentialBytesMin) to \(Limits.credentialBytesMax) are allowed"
            )
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw .malformed("the \(what) may hold only printable ASCII without space")
        }
    }

    /// Everything is asked of the open file, so that nobody can change it between the question and the read.
    private static func text(ofFile path: String) throws(CredentialsError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw .fileUnreadable(path: path, why: String(cString: strerror(errno))) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else {
            throw .fileUnreadable(path: path, why: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .fileNotAFile(path: path) }
        guard status.st_uid == geteuid() else { throw .fileOfAnotherUser(path: path) }
        let mode = status.st_mode & 0o7777
        guard mode == 0o600 || mode == 0o400 else {
            throw .fileReadableByOthers(path: path, mode: String(mode, radix: 8))
        }
        return try read(file, path: path)
    }

    private static func read(_ file: Int32, path: String) throws(CredentialsError) -> String {
        var bytes = [UInt8](repeating: 0, count: Limits.credentialFileBytesMax + 1)
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count >= 0 else { throw .fileUnreadable(path: path, why: String(cString: strerror(errno))) }
        guard count <= Limits.credentialFileBytesMax else {
            throw .malformed("\(path) has more than \(Limits.credentialFileBytesMax) bytes")
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "Credentials(hidden)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
