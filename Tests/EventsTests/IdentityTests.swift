// Identity: what a second report may say otherwise and still be the same, and what makes it another.

import Records
import Testing

@testable import Events

struct IdentityTests {
    private func identity(_ event: Event, _ fields: FieldMap = FieldMap()) throws -> [UInt8] {
        try Identity.bytes(of: event, fields: fields)
    }

    @Test func aDecisionIsItsTermsAlone() throws {
        var other = SampleEvent.decision
        (other.producedAtNs, other.source, other.correlationID, other.model) = (1, "x", "y", "z")
        (other.confidence, other.members) = (SampleEvent.decimal(1), [])
        #expect(try identity(.decision(other)) == identity(.decision(SampleEvent.decision)))
        let changes: [(inout EventDecision) -> Void] = [
            { $0.symbol = "X" }, { $0.action = .sell }, { $0.quantity = SampleEvent.decimal(3) },
            { $0.clearQuantity() },
            { $0.positionSizeUsd = SampleEvent.decimal(3) }, { $0.entryPrice = SampleEvent.decimal(3) },
            { $0.clearStopLoss() },
            { $0.takeProfit = SampleEvent.decimal(3) }, { $0.leverage = 6 }, { $0.reduceOnly = false },
            { $0.positionSide = .short },
        ]
        for (number, change) in changes.enumerated() {
            var changed = SampleEvent.decision
            change(&changed)
            #expect(try identity(.decision(changed)) != identity(.decision(SampleEvent.decision)), "change \(number)")
        }
    }

    @Test func aFillIsItsOrderSidesPriceAndQuantity() throws {
        var other = SampleEvent.fill
        (other.tradedAtNs, other.fee, other.feeAsset, other.clientOrderID) = (1, SampleEvent.decimal(9), "BNB", "")
        #expect(try identity(.fill(other)) == identity(.fill(SampleEvent.fill)))
        let changes: [(inout EventFill) -> Void] = [
            { $0.orderID = "X" }, { $0.side = .buy }, { $0.positionSide = .long },
            { $0.price = SampleEvent.decimal(3) },
            { $0.quantity = SampleEvent.decimal(3) },
        ]
        for (number, change) in changes.enumerated() {
            var changed = SampleEvent.fill
            change(&changed)
            #expect(try identity(.fill(changed)) != identity(.fill(SampleEvent.fill)), "change \(number)")
        }
    }

    @Test func spellingsOfANumberAreOneIdentity() throws {
        let drafts = try ["1.5", "1.50", "0015e-1", "15e-1"].map {
            try SampleEvent.draft(IntakeTests.decisions, [("symbol", "A"), ("side", "BUY"), ("quantity", $0)])
        }
        #expect(Set(try drafts.map { try IntakeTests.digest($0) }).count == 1)
    }

    @Test func anUntypedEntryIsAllItsFieldsInOrder() throws {
        let fields = FieldMap([("a", "1"), ("b", "2")])
        #expect(try identity(.untyped(.init()), fields) == [1, 2, 1, 97, 1, 49, 1, 98, 1, 50])
        #expect(
            try identity(.untyped(.init()), FieldMap([("b", "2"), ("a", "1")])) != identity(.untyped(.init()), fields))
    }

    @Test(arguments: EventKind.allCases)
    func everyIdentityFieldExistsAndNoTimeIsOne(_ kind: EventKind) {
        let events = kind == .groupChanged ? SampleEvent.groupChanges : [SampleEvent.event(kind)] + SampleEvent.paired
        let items = events.filter { $0.kind == kind }.flatMap(\.listing.items)
        for name in Identity.fields(of: kind) {
            #expect(items.contains { $0.name == name }, "\(kind.name) has no \(name)")
        }
        for item in items where Identity.fields(of: kind).contains(item.name) {
            if case .time = item.value { Issue.record("\(item.name) is a time") }
            if case .members = item.value { Issue.record("\(item.name) are kept members") }
        }
    }

    @Test func everyChangeOfAGroupIsToldApart() throws {
        let identities = try SampleEvent.groupChanges.map { try identity($0) }
        #expect(Set(identities).count == SampleEvent.groupChanges.count)
        for event in SampleEvent.groupChanges {
            let unnamed = event.listing.items.filter { !Identity.fields(of: .groupChanged).contains($0.name) }
            #expect(unnamed.isEmpty)
        }
    }

    @Test func aDecimalThatIsNotCanonicalIsAnError() {
        var fill = SampleEvent.fill
        fill.quantity = SampleEvent.decimal(20, -4)
        #expect(throws: MessageError.self) { try identity(.fill(fill)) }
    }
}
