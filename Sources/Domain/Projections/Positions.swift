// The first ledger: what is held, as the fills say. It must agree with what the exchange attests
// (AttestedPositions); where it does not, this fold does not give way, the difference is shown.
// The fold is total: a fill that cannot be taken whole is taken as far as it makes sense, counted on its
// position and noted in `anomalies`. A hedge leg asked to close more than it holds stays at zero.

package import Events
package import Records

package struct Positions: Projection {
    package static let name = "positions"
    package static let version: UInt32 = 2
    package static let kinds = [EventKind.fill.kind, EventKind.fillDetail.kind]

    private var table: [PositionKey: Position] = [:]
    private var details: [DetailKey: DetailSums] = [:]
    private var span = OpenSpan()
    package private(set) var anomalies: [Anomaly] = []
    package private(set) var anomalyCount: UInt64 = 0

    package init() {}

    package subscript(key: PositionKey) -> Position? { table[key] }

    /// All that ever had a fill, sorted by key.
    package var all: [(key: PositionKey, position: Position)] {
        table.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Those with a quantity, sorted by key.
    package var open: [(key: PositionKey, position: Position)] {
        table.filter { $0.value.isOpen }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Since when there has been an open one, without a break; nil: there is none.
    package var openSince: Moment? { span.since }

    package var openCount: Int { table.reduce(0) { $0 + ($1.value.isOpen ? 1 : 0) } }

    /// What details of fills added, for both legs together: a detail does not say which leg it belongs to.
    package func details(venue: String, account: String, symbol: String) -> DetailSums {
        details[DetailKey(venue: venue, account: account, symbol: symbol)] ?? DetailSums()
    }

    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        let kind = record.kind
        if kind == EventKind.fill.kind {
            try take(try FillFacts(reading: record), record)
        } else if kind == EventKind.fillDetail.kind {
            try take(try EventFillDetail(reading: record), record.sequence)
        }
    }
}

/// What the fold could not take as it stood.
package struct Anomaly: Hashable, Sendable {
    package let sequence: SequenceNumber
    /// For people.
    package let text: String
}

/// From `fill.detail` records. Producers put a trade's fee either into the fill or into its detail.
package struct DetailSums: Hashable, Sendable {
    package fileprivate(set) var fees = AssetSums()
    /// The exchange's own figure; never mixed with `Position.realisedProfit`.
    package fileprivate(set) var reportedProfit = ExactSum.zero
    package init() {}
}

struct DetailKey: Hashable, Comparable, Sendable {
    let venue: String
    let account: String
    let symbol: String
    static func < (a: DetailKey, b: DetailKey) -> Bool {
        (a.venue, a.account, a.symbol) < (b.venue, b.account, b.symbol)
    }
}

extension Positions {
    private mutating func take(_ fill: FillFacts, _ record: borrowing RecordView) throws(RecordError) {
        guard let leg = PositionLeg(fill.positionSide) else {
            return try note(record, "a position side that this version does not know; not taken")
        }
        let key = PositionKey(venue: fill.venue, account: fill.account, symbol: fill.symbol, leg: leg)
        let quantity = try fill.quantity.stored()
        let price = try fill.price.stored()
        let wasOpen = table[key]?.isOpen ?? false
        let problem = Positions.take(fill, quantity, price, leg, record.sequence, &table[key, default: Position()])
        span.change(from: wasOpen, to: table[key]?.isOpen ?? false, record)
        if let problem { try note(record, problem) }
    }

    private mutating func note(_ record: borrowing RecordView, _ problem: String) throws(RecordError) {
        let fill = try EventFill(reading: record)
        note(record.sequence, "fill \(fill.tradeID) of \(fill.symbol): \(problem)")
    }

    /// What is wrong with the fill, or nil.
    private static func take(
        _ fill: FillFacts, _ quantity: ExactDecimal, _ price: ExactDecimal, _ leg: PositionLeg,
        _ sequence: SequenceNumber, _ position: inout Position
    ) -> String? {
        position.fills += 1
        position.sequence = sequence
        let tradeProblem = trade(fill, quantity, price, leg, &position)
        let feeProblem = fee(fill, &position)
        if tradeProblem == nil, feeProblem == nil { return nil }
        position.anomalies += 1
        return [tradeProblem, feeProblem].compactMap { $0 }.joined(separator: "; ")
    }

    /// What is wrong with the trade, or nil.
    private static func trade(
        _ fill: FillFacts, _ quantity: ExactDecimal, _ price: ExactDecimal, _ leg: PositionLeg,
        _ position: inout Position
    ) -> String? {
        let buys: Bool
        switch fill.side {
        case .buy: buys = true
        case .sell: buys = false
        case .unspecified, .UNRECOGNIZED: return "neither bought nor sold; not taken"
        }
        guard !quantity.isZero, !quantity.isNegative else { return "quantity \(quantity); not taken" }
        do {
            let held = position.quantity
            let excess = try position.take(Trade(buys: buys, quantity: quantity, price: price), leg: leg)
            if !excess.isZero { return "closes \(quantity) of a leg that holds \(held); \(excess) had no effect" }
        } catch {
            return "\(error); not taken"
        }
        return price.isZero || price.isNegative ? "price \(price)" : nil
    }

    private static func fee(_ fill: FillFacts, _ position: inout Position) -> String? {
        guard let fee = fill.fee else { return nil }
        do {
            try position.fees.add(try fee.exact(), of: fill.feeAsset)
            return nil
        } catch {
            return "fee: \(error); not taken"
        }
    }

    private mutating func take(_ detail: EventFillDetail, _ sequence: SequenceNumber) throws(RecordError) {
        let key = DetailKey(venue: detail.venue, account: detail.account, symbol: detail.symbol)
        var sums = details[key] ?? DetailSums()
        do {
            if detail.hasFee { try sums.fees.add(try ExactDecimal(detail.fee), of: detail.feeAsset) }
            if detail.hasRealisedProfit {
                let profit = ExactSum(try ExactDecimal(detail.realisedProfit))
                sums.reportedProfit = try sums.reportedProfit.adding(profit)
            }
            details[key] = sums
        } catch {
            note(sequence, "detail of fill \(detail.tradeID) of \(detail.symbol): \(error); not taken")
        }
    }

    private mutating func note(_ sequence: SequenceNumber, _ text: String) {
        anomalyCount += 1
        if anomalies.count == Limits.positionAnomaliesKeptMax { anomalies.removeFirst() }
        anomalies.append(Anomaly(sequence: sequence, text: text))
    }
}

extension Positions {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.table(table)
        writer.table(details)
        writer.list(anomalies)
        writer.varint(anomalyCount)
        writer.optional(span.since)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        table = try reader.table(max: Limits.positionsMax)
        details = try reader.table(max: Limits.positionsMax)
        anomalies = try reader.list(max: Limits.positionAnomaliesKeptMax)
        anomalyCount = try reader.varint()
        span = try OpenSpan(count: openCount, since: try reader.optional())
        try reader.finish()
    }
}

extension Anomaly: Stored {
    package func write(to writer: inout ByteWriter) {
        sequence.write(to: &writer)
        writer.sized(text)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        sequence = try SequenceNumber(from: &reader)
        text = try reader.text()
    }
}

extension DetailSums: Stored {
    package func write(to writer: inout ByteWriter) {
        fees.write(to: &writer)
        reportedProfit.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        fees = try AssetSums(from: &reader)
        reportedProfit = try ExactSum(from: &reader)
    }
}

extension DetailKey: Stored {
    func write(to writer: inout ByteWriter) {
        writer.sized(venue)
        writer.sized(account)
        writer.sized(symbol)
    }
    @_lifetime(reader: copy reader)
    init(from reader: inout ByteReader) throws(RecordError) {
        venue = try reader.text()
        account = try reader.text()
        symbol = try reader.text()
    }
}
