// Why there is no bundle, or why one is not to be believed.

package import Records

package enum BundleError: Error, Equatable, Sendable, CustomStringConvertible {
    case noRecord(SequenceNumber, head: SequenceNumber)
    case tooManyRecords(Int)
    case tooLarge(Int)
    /// Another kind of file, or of another version.
    case notABundle(String)
    /// It is not what was made.
    case altered(String)

    package var description: String {
        switch self {
        case .noRecord(let sequence, let head): "no record \(sequence); the log ends at \(head)"
        case .tooManyRecords(let count):
            "its evidence has more than \(Limits.bundleRecordsMax) records (\(count) so far): begin with a later record"
        case .tooLarge(let count):
            "it has \(count) bytes, at most \(Limits.bundleBytesMax) are allowed: begin with a later record"
        case .notABundle(let why): "not a bundle of Backstop: \(why)"
        case .altered(let what): "the bundle was altered or cut: \(what)"
        }
    }
}
