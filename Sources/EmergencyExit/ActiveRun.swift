// One run with what the worker knows around it: its lines, which of them are records, and its times.

internal import Domain
internal import Events
internal import Exchange
internal import Records

struct ActiveRun {
    let trigger: ExitTrigger
    var machine: ExitRun
    /// In the order in which they were written.
    var lines: [ExitLine]
    /// How many of them are records.
    var imported = 0
    let startedAtNs: Int64
    /// The record of its trigger, as far as it is known.
    var panic: SequenceNumber
    var hasEnd: Bool
    /// The recorder was told what the run was told.
    var hasEvidence = false
    private var numbers: [CloseOrder: UInt32] = [:]

    init(_ trigger: ExitTrigger, _ machine: ExitRun, journal: [ExitLine], startedAtNs: Int64) {
        self.trigger = trigger
        self.machine = machine
        lines = journal
        hasEnd = false
        self.startedAtNs = startedAtNs
        panic = trigger.sequence
        for case .request(let close, let number, _) in journal { numbers[close] = number }
    }

    /// A run's first line is its trigger.
    var isNew: Bool { lines.isEmpty }

    /// From 1: the request's key within the run.
    mutating func number(of close: CloseOrder) -> UInt32 {
        if let known = numbers[close] { return known }
        let number = (numbers.values.max() ?? 0) + 1
        numbers[close] = number
        return number
    }

    var isImported: Bool { hasEnd && imported >= lines.count }

    static func end(in lines: [ExitLine]) -> ExitEnd? {
        for case .completion(let end) in lines { return end }
        return nil
    }
}
