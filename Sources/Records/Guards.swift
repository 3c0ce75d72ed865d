// Guards as the log knows them: names and operations. What raises or requires which is decided by one
// pure function that Events supplies (Rules.swift), so that no caller can leave a guard out.

/// One operation of a draft on the table of guards, applied inside its write transaction, in order.
package enum GuardOperation: Hashable, Sendable {
    /// Adds `holder`. A name is raised while it has a holder.
    case raise(String, holder: String)
    /// Removes `holder`, or every holder where nil.
    case lower(String, holder: String?)
    /// Refuses the draft while the name is raised.
    case requireLowered(String)
    /// Refuses the draft while the name is raised; raises it otherwise.
    case take(String, holder: String)
    /// Removes what `take` added.
    case release(String, holder: String)
}

/// Who holds a guard, and since which record.
package struct GuardHolder: Hashable, Sendable {
    package let holder: String
    package let sequence: SequenceNumber
    package init(holder: String, sequence: SequenceNumber) {
        self.holder = holder
        self.sequence = sequence
    }
}

/// Guards in memory, as pure state: the log's table loads and stores it, `verify` recomputes it.
package struct GuardState: Equatable, Sendable {
    package private(set) var holders: [String: [GuardHolder]]
    package init(holders: [String: [GuardHolder]] = [:]) { self.holders = holders }

    static let beyondTheBound = "more"

    /// Takes over what a table holds for one name.
    package mutating func load(_ name: String, _ found: [GuardHolder]) {
        holders[name] = found.isEmpty ? nil : found
    }

    package func first(_ name: String) -> GuardHolder? { holders[name]?.first }

    /// The first operation that refuses, or nil. Nothing is changed.
    package func refusal(_ operations: [GuardOperation]) -> Refusal? {
        for operation in operations {
            switch operation {
            case .requireLowered(let name), .take(let name, _):
                if let holder = first(name) { return .guarded(name: name, by: holder.sequence) }
            case .raise, .lower, .release: break
            }
        }
        return nil
    }

    /// Applies what was not refused; returns the names that changed, in the order of the operations.
    package mutating func apply(_ operations: [GuardOperation], at sequence: SequenceNumber) -> [String] {
        var changed: [String] = []
        for operation in operations {
            switch operation {
            case .requireLowered: continue
            case .raise(let name, let holder), .take(let name, let holder):
                // A raise is never refused: beyond the bound it counts as one holder that only an operator lowers.
                let isFull = holders[name]?.count ?? 0 >= Limits.guardHoldersMax
                let added = isFull ? GuardState.beyondTheBound : holder
                if holders[name]?.contains(where: { $0.holder == holder || $0.holder == added }) == true { continue }
                holders[name, default: []].append(GuardHolder(holder: added, sequence: sequence))
                changed.append(name)
            case .lower(let name, let holder):
                remove(name, holder)
                changed.append(name)
            case .release(let name, let holder):
                remove(name, holder)
                changed.append(name)
            }
        }
        return changed
    }

    private mutating func remove(_ name: String, _ holder: String?) {
        guard let holder else {
            holders[name] = nil
            return
        }
        holders[name]?.removeAll { $0.holder == holder }
        if holders[name]?.isEmpty == true { holders[name] = nil }
    }
}
