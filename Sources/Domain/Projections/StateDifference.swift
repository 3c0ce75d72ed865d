// Where two states differ, key by key: for whoever has to say why a rebuilt projection is not what was saved. A
// projection is listed as rows of key and value for people; where its bytes differ and no row does, that is said,
// so nothing passes for equal.

internal import Events
internal import Records

/// One key of one projection that is not the same in both.
package struct StateDifference: Hashable, Sendable {
    package let projection: String
    package let key: String
    /// Nil: not there.
    package let expected: String?
    package let found: String?
}

extension State {
    /// What differs in the projection of that name, by key.
    package func differences(from found: State, in projection: String) -> [StateDifference] {
        guard let mine = part(projection), let other = found.part(projection), mine.bytes != other.bytes else {
            return []
        }
        let (expectedRows, foundRows) = (mine.rows, other.rows)
        var differences: [StateDifference] = []
        for key in Set(expectedRows.keys).union(foundRows.keys).sorted()
        where expectedRows[key] != foundRows[key] {
            differences.append(
                StateDifference(
                    projection: projection, key: key, expected: expectedRows[key], found: foundRows[key]))
        }
        if !differences.isEmpty { return differences }
        let place = zip(mine.bytes, other.bytes).enumerated().first { $1.0 != $1.1 }?.offset
        let byte = place ?? min(mine.bytes.count, other.bytes.count)
        return [
            StateDifference(
                projection: projection, key: "byte \(byte) of its encoding", expected: "\(mine.bytes.count) bytes",
                found: "\(other.bytes.count) bytes")
        ]
    }

    private func part(_ name: String) -> (bytes: [UInt8], rows: [String: String])? {
        switch name {
        case Positions.name: (positions.encode(), positions.rows)
        case AttestedPositions.name: (attested.encode(), attested.rows)
        case OpenOrders.name: (orders.encode(), orders.rows)
        case Intents.name: (intents.encode(), intents.rows)
        case TradingState.name: (trading.encode(), trading.rows)
        case Heartbeats.name: (heartbeats.encode(), heartbeats.rows)
        case Configuration.name: (configuration.encode(), configuration.rows)
        default: nil
        }
    }
}

extension PositionKey {
    fileprivate var text: String { "\(venue)/\(account)/\(symbol)/\(leg)" }
}

extension Positions {
    fileprivate var rows: [String: String] {
        var rows = ["anomalies": "\(anomalyCount)", "open since": "\(text(openSince))"]
        for (key, position) in all {
            let fees = position.fees.all.map { "\($0.sum) \($0.asset)" }.joined(separator: " ")
            rows[key.text] =
                "quantity \(position.quantity) cost \(position.cost) realised \(position.realisedProfit) fees [\(fees)] "
                + "fills \(position.fills) anomalies \(position.anomalies) at \(position.sequence)"
        }
        return rows
    }
}

extension AttestedPositions {
    fileprivate var rows: [String: String] {
        var rows = ["unreadable": "\(unreadable)", "open since": "\(text(openSince))"]
        for (key, attested) in all {
            let entry = attested.entryPrice.map { "\($0)" } ?? "-"
            rows[key.text] = "quantity \(attested.quantity) entry \(entry) at \(attested.sequence)"
        }
        return rows
    }
}

extension OpenOrders {
    fileprivate var rows: [String: String] {
        var rows = ["untracked": "\(untracked)"]
        for order in all {
            rows["request \(order.request)"] =
                "\(order.symbol) \(order.quantity) \(order.clientOrderID) \(order.state) executed \(order.executed) "
                + "outcome \(order.outcome) \(order.exchangeOrderID)"
        }
        return rows
    }
}

extension Intents {
    fileprivate var rows: [String: String] {
        var rows = [
            "decisions": "\(decisions)", "unmatched results": "\(unmatchedResults)", "untracked": "\(untracked)",
        ]
        for reason in EventDecisionRefusalReason.allCases { rows["refused \(reason)"] = "\(refused(reason))" }
        for state in EventTerminalState.allCases { rows["ended \(state)"] = "\(ended(state))" }
        for intent in open {
            rows["intent \(intent.sequence)"] =
                "\(intent.symbol) \(intent.action) trace \(intent.traceID) decision \(intent.decision)"
        }
        return rows
    }
}

extension TradingState {
    fileprivate var rows: [String: String] {
        var rows = [
            "mode": mode.rawValue, "halt": halt.map { "record \($0.sequence): \($0.reason) (\($0.source))" } ?? "-",
            "last resume": lastResume.map { "record \($0.sequence) by \($0.operator)" } ?? "-",
            "last halt's resume": "\(lastHaltResume)", "last watchdog trigger": "\(lastWatchdogTrigger)",
            "last completion": panics.lastCompletion.map { "record \($0.sequence)" } ?? "-",
        ]
        for cause in reducingCauses { rows["reducing \(cause.cause)"] = "record \(cause.sequence): \(cause.detail)" }
        for guarded in guardedSymbols { rows["guard \(guarded.symbol) \(guarded.request)"] = "raised" }
        for panic in panics.open { rows["panic \(panic.sequence)"] = "\(panic.eventID) by \(panic.issuer)" }
        return rows
    }
}

extension Heartbeats {
    fileprivate var rows: [String: String] {
        var rows = ["untracked": "\(untracked)", "boot": boot.map { "\($0.id) from \($0.firstSession)" } ?? "-"]
        for (service, heart) in all {
            rows[service] =
                "\(heart.status) beats \(heart.count) positions \(heart.activePositions) at \(heart.sequence)"
        }
        return rows
    }
}

extension Configuration {
    fileprivate var rows: [String: String] {
        var rows = ["record": "\(sequence)"]
        for setting in settings { rows[setting.name] = "\(setting.value) (\(setting.source))" }
        return rows
    }
}

private func text(_ moment: Moment?) -> String { moment.map { TimeText.render($0.recordedAt) } ?? "-" }
