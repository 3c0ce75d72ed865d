// What must not leave in a bundle: keys, signatures, listen keys. Nothing of Backstop records them; a producer may have.
// What holds one is left out whole, and the bundle says so: a record with a hole in it would not give its hash.

internal import Records

package struct Secrets: Sendable {
    /// The values themselves, at least 8 bytes each.
    private let values: [[UInt8]]
    private static let markers = ["signature=", "listenkey", "x-mbx-apikey", "apisecret", "api_secret", "secret_key"]
        .map { Array($0.utf8) }
    private static let valueBytesMin = 8

    /// - Parameter values: keys and secrets that are known here.
    package init(_ values: [String]) {
        self.values = values.map { Array($0.utf8) }.filter { $0.count >= Secrets.valueBytesMin }
    }

    /// What kind of secret the bytes seem to hold; nil: none.
    func found(in bytes: [UInt8]) -> String? {
        for value in values where Secrets.contains(bytes, value) {
            return "it holds a key or a secret that is in use here"
        }
        let lower = bytes.map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
        for marker in Secrets.markers where Secrets.contains(lower, marker) {
            return "it seems to hold a secret (\(String(decoding: marker, as: UTF8.self)))"
        }
        return nil
    }

    private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard let first = part.first, bytes.count >= part.count else { return false }
        return bytes.withUnsafeBufferPointer { bytes in
            part.withUnsafeBufferPointer { part in
                for start in 0...bytes.count - part.count where bytes[start] == first {
                    var place = 1
                    while place < part.count, bytes[start + place] == part[place] { place += 1 }
                    if place == part.count { return true }
                }
                return false
            }
        }
    }
}
