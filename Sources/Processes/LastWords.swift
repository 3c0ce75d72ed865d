// What a process that may die of SIGBUS sends in that moment: whoever reads a mapped log whose file was cut off, or
// whose disk fails, gets no error, only the signal.

internal import CLinux

package enum LastWords {
    /// Sent to the local socket at the path when this process gets SIGBUS; then it dies of it. The last call counts.
    /// One thread at a time.
    /// - Parameter takenStatus: the exit status where the answer says that it was taken; nil: it dies of the signal.
    package static func set(
        _ message: [UInt8], to path: String, takenStatus: Int32? = nil
    ) throws(LocalSocketError) {
        let isSet = try UnixSocket.withAddress(of: path) { address, length in
            message.withUnsafeBytes {
                backstop_set_last_words(address, length, $0.baseAddress, UInt32($0.count), takenStatus ?? -1) == 0
            }
        }
        guard isSet else { throw .messageTooLarge(bytes: message.count) }
    }
}
