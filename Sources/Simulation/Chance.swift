// The only source of chance in a world: a stream of numbers for each part of it, so that one more draw in one part
// does not change another. It must never be replaced by the system's generator.

internal import ExchangeSimulation

struct Chance {
    private var generator: SeededGenerator

    init(_ seed: UInt64, _ part: UInt64) {
        generator = SeededGenerator(seed: SeededGenerator.mixed(seed &+ part &* 0x9E37_79B9_7F4A_7C15))
    }

    mutating func below(_ bound: Int) -> Int { Int(generator.below(UInt64(bound))) }

    mutating func within(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(generator.below(UInt64(range.upperBound - range.lowerBound + 1)))
    }

    /// True in so many of a hundred.
    mutating func percent(_ share: Int) -> Bool { below(100) < share }

    mutating func one<Value>(of values: [Value]) -> Value { values[below(values.count)] }

    mutating func shuffled<Value>(_ values: [Value]) -> [Value] {
        var (left, mixed): ([Value], [Value]) = (values, [])
        while !left.isEmpty { mixed.append(left.remove(at: below(left.count))) }
        return mixed
    }
}
