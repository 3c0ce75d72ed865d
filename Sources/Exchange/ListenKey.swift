// The key of the user-data stream: whoever has it reads the account. It stands in the stream's address and
// nowhere else: no description, no mirror and no error of this type may show a byte of it.

package import Events
internal import Records

package struct ListenKey: Equatable, Sendable {
    /// For the stream's address alone.
    package let text: String

    /// `Limits.listenKeyBytesMin` to `Limits.listenKeyBytesMax` letters, digits, "-" and "_": nothing that an
    /// address would read otherwise.
    package init(_ text: String) throws(MessageError) {
        guard (Limits.listenKeyBytesMin...Limits.listenKeyBytesMax).contains(text.utf8.count) else {
            throw MessageError(
                "listenKey",
                "\(text.utf8.count) bytes, \(Limits.listenKeyBytesMin) to \(Limits.listenKeyBytesMax) are allowed")
        }
        guard text.utf8.allSatisfy(ListenKey.isAllowed) else {
            throw MessageError("listenKey", "may hold only letters, digits, - and _")
        }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

extension ListenKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "ListenKey(hidden)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}
