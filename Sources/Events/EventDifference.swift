// Where two messages of one kind say different things, in the names that queries show.

package struct EventDifference: Hashable, Sendable {
    package let name: String
    package let expected: String
    package let found: String
}

extension Event {
    /// Empty: equal. `self` is what was expected.
    package func differences(from found: Event) -> [EventDifference] {
        if self == found { return [] }
        let (mine, theirs) = (Event.texts(of: self), Event.texts(of: found))
        let names = mine.map(\.name) + theirs.map(\.name).filter { name in !mine.contains { $0.name == name } }
        let all = names.map { name in
            EventDifference(
                name: name, expected: mine.first { $0.name == name }?.text ?? "absent",
                found: theirs.first { $0.name == name }?.text ?? "absent")
        }
        let different = all.filter { $0.expected != $0.found }
        // Fields that no listing shows differ, too.
        return different.isEmpty
            ? [EventDifference(name: "message", expected: "other bytes", found: "these")] : different
    }

    private static func texts(of event: Event) -> [(name: String, text: String)] {
        event.listing.items.map { item in
            do { return (item.name, try item.value.fieldText()) } catch { return (item.name, "unreadable") }
        }
    }
}
