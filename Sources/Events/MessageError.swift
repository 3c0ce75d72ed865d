// What is wrong with a message: which field, and in what way. Nothing of the message was taken.
// The problem is a sentence for the person who wrote the producer; it quotes what was found, cut short
// and escaped. It must never hold a whole value: a value may be large, binary, or a secret.

package import Records

package struct MessageError: Error, Equatable, Sendable, CustomStringConvertible {
    package let field: String
    package let problem: String

    package init(_ field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }

    package init(_ error: BoundError) {
        self.init(error.field, error.problem)
    }

    package init(_ error: RecordError) {
        self.init("body", error.description)
    }

    package var description: String { "\(field): \(problem)" }
}

extension MessageError {

    /// What was found, in quotes, escaped and cut short.
    static func quote(_ text: String) -> String {
        let shown = text.prefix(Limits.quotedCharactersMax)
        let whole = shown.endIndex == text.endIndex
        return JSONText.render(.string(String(shown))) + (whole ? "" : "…")
    }
}
