// Streams: ranges forwards and backwards over many blocks, beside a model.

import Testing

import EventLog
import Records

@Suite struct StreamTests {
    @Test func rangesOverManyBlocksAgreeWithAModel() throws {
        let seed: UInt64 = 7
        var random = SeededGenerator(seed: seed)
        try withLog { log in
            let names = (0..<3).map { try! StreamName("stream \($0)") }
            var model: [[EntryID]] = [[], [], []]
            for _ in 0..<30 {
                let drafts = (0..<100).map { _ in (Int.random(in: 0..<3, using: &random)) }
                let answers = try log.append(drafts.map { draft("x", stream: names[$0]) })
                for (place, answer) in zip(drafts, answers) {
                    if case .appended(let at) = answer { model[place].append(at.entryID) }
                }
            }
            for round in 0..<200 {
                let place = Int.random(in: 0..<3, using: &random)
                let ids = model[place]
                let (a, b) = (ids.randomElement(using: &random)!, ids.randomElement(using: &random)!)
                let range = min(a, b)...max(a, b)
                let limit = Int.random(in: 1...400, using: &random)
                let (forward, back) = try log.snapshot { snapshot in
                    let number = try #require(try snapshot.stream(names[place])).number
                    return (
                        try snapshot.entries(number, range, limit: limit).map(\.id),
                        try snapshot.entriesBack(number, range, limit: limit).map(\.id)
                    )
                }
                let expected = ids.filter { range.contains($0) }
                try #require(forward == Array(expected.prefix(limit)), "seed \(seed), round \(round)")
                try #require(back == Array(expected.reversed().prefix(limit)), "seed \(seed), round \(round)")
            }
            for place in 0..<3 {
                let state = try #require(try log.snapshot { try $0.stream(names[place]) })
                #expect(state.length == UInt64(model[place].count) && state.lastID == model[place].last)
            }
        }
    }

    @Test func anEmptyStreamAndAForeignStreamAnswerNothing() throws {
        try withLog { log in
            try log.transact(.group) { try $0.createGroup(StreamName(literal: "empty"), "g", after: .zero) }
            _ = try log.append([draft("a"), draft("b", stream: StreamName(literal: "z"))])
            let (entries, back, none) = try log.snapshot { snapshot in
                let number = try #require(try snapshot.stream(StreamName(literal: "empty"))).number
                return (
                    try snapshot.entries(number, .zero ... .last, limit: 10),
                    try snapshot.entriesBack(number, .zero ... .last, limit: 10),
                    try snapshot.stream(StreamName(literal: "never"))
                )
            }
            #expect(entries.isEmpty && back.isEmpty && none == nil)
        }
    }
}
