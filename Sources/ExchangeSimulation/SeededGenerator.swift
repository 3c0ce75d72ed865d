// The only source of chance in the venue: SplitMix64, passed in by its seed. The same seed gives the same
// numbers on every machine. It must never be replaced by the system's generator.

package struct SeededGenerator: Sendable {
    private var state: UInt64
    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SeededGenerator.mixed(state)
    }

    /// 0 ..< bound.
    package mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }

    package static func mixed(_ seed: UInt64) -> UInt64 {
        var value = seed
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// Letters and digits, as in a listen key.
    package mutating func text(count: Int) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        return String((0..<count).map { _ in letters[Int(below(UInt64(letters.count)))] })
    }
}
