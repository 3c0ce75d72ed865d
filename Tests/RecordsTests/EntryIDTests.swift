// Entry ids: reading, order, and what XADD would give.

import Testing

import Records

@Suite struct EntryIDTests {
    @Test(arguments: [
        ("5", EntryID(5, 0)), ("5-7", EntryID(5, 7)), ("0-0", EntryID(0, 0)),
        ("18446744073709551615-18446744073709551615", EntryID.last),
    ])
    func idsAreRead(text: String, expected: EntryID) {
        #expect(EntryID(text) == expected)
    }

    @Test(arguments: [
        "", "-", "+", "5-", "-5", "a", "5-a", "5-6-7", " 5", "5 ", "+5", "18446744073709551616",
        "5-18446744073709551616",
        String(repeating: "1", count: 128),
    ])
    func whatIsNoIDIsRefused(text: String) {
        #expect(EntryID(text) == nil)
    }

    @Test func theNextIDCarriesAndEnds() {
        #expect(EntryID(1, .max).next == EntryID(2, 0))
        #expect(EntryID.last.next == nil)
        #expect(EntryIDRequest.next.resolved(after: EntryID(9, 3), now: Timestamp(milliseconds: 5)) == EntryID(9, 4))
        #expect(EntryIDRequest.next.resolved(after: .zero, now: Timestamp(milliseconds: -5)) == EntryID(0, 1))
    }
}
