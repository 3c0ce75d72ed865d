// The settings that the router's decisions use, as the policy of the pure decision and as the record that
// replay reads them from.

package import Domain
package import Events
internal import Records

extension Settings {
    package func routing(configSequence: UInt64) throws(SettingError) -> RoutingPolicy {
        let confidence = try decimal("router.confidence_min", text("router.confidence_min"))
        guard !confidence.isNegative, confidence <= (try decimal("router.confidence_min", "1")) else {
            throw SettingError("router.confidence_min", "a number from 0 to 1 is needed, found \"\(confidence)\"")
        }
        let size = text("sizing.default_usd")
        return RoutingPolicy(
            confidenceMin: confidence, confidenceRequired: try flag("router.confidence_required"),
            defaultSizeUSD: size.isEmpty ? nil : try positive("sizing.default_usd", size),
            sizeUSDBySymbol: try sizes(), configSequence: SequenceNumber(configSequence))
    }

    private func sizes() throws(SettingError) -> [RoutingPolicy.SymbolSize] {
        let name = "sizing.usd_by_symbol"
        var found: [RoutingPolicy.SymbolSize] = []
        for pair in text(name).split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { throw SettingError(name, "SYMBOL=USD is needed, found \"\(pair)\"") }
            let symbol = parts[0].filter { $0 != " " }.uppercased()
            guard !found.contains(where: { $0.symbol == symbol }) else {
                throw SettingError(name, "\(symbol) stands twice")
            }
            let size = try positive(name, parts[1].filter { $0 != " " })
            found.append(RoutingPolicy.SymbolSize(symbol: symbol, sizeUSD: size))
        }
        return found
    }

    func positive(_ name: String, _ text: String) throws(SettingError) -> ExactDecimal {
        let value = try decimal(name, text)
        guard !value.isNegative, !value.isZero else {
            throw SettingError(name, "must be greater than zero, found \"\(text)\"")
        }
        return value
    }

    /// What `config.applied` records: every setting that a decision uses, by name.
    package var applied: EventConfigApplied {
        var event = EventConfigApplied()
        event.settings = values.filter(\.definition.isDecisive).map { value in
            var setting = EventConfigApplied.Setting()
            setting.name = value.definition.name
            setting.value = value.text
            setting.source = value.source.rawValue
            return setting
        }.sorted { $0.name < $1.name }
        return event
    }
}
