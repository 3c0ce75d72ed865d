// What folds need of the four kinds that make up most of a log: fills, orders, their outcomes, heartbeats.
// Absent fields have proto3's defaults, a field that comes twice counts as the general decoder counts it.
// Nothing here may judge a value; a fold does.

package import Records

package struct FillFacts: Hashable, Sendable {
    package private(set) var venue = ""
    package private(set) var account = ""
    package private(set) var symbol = ""
    package private(set) var orderID = ""
    package private(set) var side = EventSide.unspecified
    package private(set) var positionSide = EventPositionSide.unspecified
    package private(set) var quantity = WireDecimal()
    package private(set) var price = WireDecimal()
    package private(set) var fee: WireDecimal?
    package private(set) var feeAsset = ""

    package init(reading record: borrowing RecordView) throws(RecordError) {
        var reader = WireReader(try record.typed)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let range = field.bytes { venue = try reader.text(range) }
            case 2: if let range = field.bytes { account = try reader.text(range) }
            case 3: if let range = field.bytes { symbol = try reader.text(range) }
            case 5: if let range = field.bytes { orderID = try reader.text(range) }
            case 7: if let choice = field.choice { side = EventSide(rawValue: choice) ?? .UNRECOGNIZED(choice) }
            case 8:
                if let choice = field.choice {
                    positionSide = EventPositionSide(rawValue: choice) ?? .UNRECOGNIZED(choice)
                }
            case 9: if let range = field.bytes { try reader.read(range, into: &quantity) }
            case 10: if let range = field.bytes { try reader.read(range, into: &price) }
            case 11: if let range = field.bytes { try reader.read(range, into: &fee[orNew: ()]) }
            case 12: if let range = field.bytes { feeAsset = try reader.text(range) }
            default: break
            }
        }
    }
}

package struct OrderRequestFacts: Hashable, Sendable {
    package private(set) var intentSequence: UInt64 = 0
    package private(set) var leg: UInt32 = 0
    package private(set) var venue = ""
    package private(set) var account = ""
    package private(set) var symbol = ""
    package private(set) var side = EventSide.unspecified
    package private(set) var positionSide = EventPositionSide.unspecified
    package private(set) var quantity = WireDecimal()
    package private(set) var price: WireDecimal?
    package private(set) var reduceOnly = false
    package private(set) var clientOrderID = ""

    package init(reading record: borrowing RecordView) throws(RecordError) {
        var reader = WireReader(try record.typed)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let value = field.unsigned { intentSequence = value }
            case 2: if let value = field.unsigned { leg = UInt32(truncatingIfNeeded: value) }
            case 3: if let range = field.bytes { venue = try reader.text(range) }
            case 4: if let range = field.bytes { account = try reader.text(range) }
            case 5: if let range = field.bytes { symbol = try reader.text(range) }
            case 6: if let choice = field.choice { side = EventSide(rawValue: choice) ?? .UNRECOGNIZED(choice) }
            case 7:
                if let choice = field.choice {
                    positionSide = EventPositionSide(rawValue: choice) ?? .UNRECOGNIZED(choice)
                }
            case 8: if let range = field.bytes { try reader.read(range, into: &quantity) }
            case 9: if let range = field.bytes { try reader.read(range, into: &price[orNew: ()]) }
            case 10: if let value = field.unsigned { reduceOnly = value != 0 }
            case 11: if let range = field.bytes { clientOrderID = try reader.text(range) }
            default: break
            }
        }
    }
}

package struct OrderOutcomeFacts: Hashable, Sendable {
    package private(set) var requestSequence: UInt64 = 0
    package private(set) var symbol = ""
    package private(set) var state = EventOutcomeState.unspecified
    package private(set) var exchangeOrderID = ""
    package private(set) var executedQuantity: WireDecimal?

    package init(reading record: borrowing RecordView) throws(RecordError) {
        var reader = WireReader(try record.typed)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let value = field.unsigned { requestSequence = value }
            case 2: if let range = field.bytes { symbol = try reader.text(range) }
            case 4:
                if let choice = field.choice { state = EventOutcomeState(rawValue: choice) ?? .UNRECOGNIZED(choice) }
            case 5: if let range = field.bytes { exchangeOrderID = try reader.text(range) }
            case 6: if let range = field.bytes { try reader.read(range, into: &executedQuantity[orNew: ()]) }
            default: break
            }
        }
    }
}

package struct HeartbeatFacts: Hashable, Sendable {
    package private(set) var serviceID = ""
    package private(set) var status = EventHeartStatus.unspecified
    package private(set) var activePositions: UInt32 = 0
    package private(set) var lastDecisionAtNs: Int64 = 0

    package init(reading record: borrowing RecordView) throws(RecordError) {
        var reader = WireReader(try record.typed)
        while let field = try reader.next() {
            switch field.number {
            case 1: if let range = field.bytes { serviceID = try reader.text(range) }
            case 2:
                if let choice = field.choice { status = EventHeartStatus(rawValue: choice) ?? .UNRECOGNIZED(choice) }
            case 3: if let value = field.unsigned { activePositions = UInt32(truncatingIfNeeded: value) }
            case 4: if let value = field.signed { lastDecisionAtNs = value }
            default: break
            }
        }
    }
}

extension Optional<WireDecimal> {
    /// What is there, or a new one: a message field that comes twice is merged.
    fileprivate subscript(orNew _: ()) -> WireDecimal {
        get { self ?? WireDecimal() }
        set { self = newValue }
    }
}
