// Prices in ticks and quantities in lots: what a matching engine counts with. Two types, so that they cannot
// be mixed. Sums of the sizes that filters let through are far from 64 bits.

package struct Count<Unit>: Hashable, Comparable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    package var value: Int64
    package init(_ value: Int64) { self.value = value }
    package init(integerLiteral value: Int64) { self.value = value }

    package static func < (a: Count, b: Count) -> Bool { a.value < b.value }
    package static func + (a: Count, b: Count) -> Count { Count(a.value + b.value) }
    package static func - (a: Count, b: Count) -> Count { Count(a.value - b.value) }
    package static func * (a: Count, b: Int64) -> Count { Count(a.value * b) }
    package static prefix func - (a: Count) -> Count { Count(-a.value) }
    package static func += (a: inout Count, b: Count) { a.value += b.value }
    package static func -= (a: inout Count, b: Count) { a.value -= b.value }
    package var magnitude: Count { Count(abs(value)) }
    package var description: String { String(value) }
}

package enum PriceUnit: Sendable {}
package enum QuantityUnit: Sendable {}
/// A price as a multiple of its symbol's tick.
package typealias Ticks = Count<PriceUnit>
/// A quantity as a multiple of its symbol's step.
package typealias Lots = Count<QuantityUnit>
/// Milliseconds since 1970, or a length of time.
package typealias Milliseconds = Int64
