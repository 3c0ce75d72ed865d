// Settings: the order of sources, and every wrong value with its words.

import Testing

import Domain
import Events
import Services

@Suite struct SettingsTests {
    private func settings(
        _ file: String? = nil, _ environment: [String: String] = [:], _ options: [String: String] = [:]
    ) throws -> Settings {
        try Settings(file: file, environment: environment, options: options)
    }

    private func value(_ settings: Settings, _ name: String) -> String {
        settings.values.first { $0.definition.name == name }.map { "\($0.text) \($0.source.rawValue)" } ?? "none"
    }

    @Test func optionsBeatEnvironmentBeatsFileBeatsDefault() throws {
        let name = "router.confidence_min"
        let file = "router:\n  confidence_min: 0.5\n"
        let environment = ["BACKSTOP_ROUTER_CONFIDENCE_MIN": "0.6"]
        #expect(value(try settings(), name) == "0.35 default")
        #expect(value(try settings(file), name) == "0.5 file")
        #expect(value(try settings(file, environment), name) == "0.6 environment")
        #expect(value(try settings(file, environment, [name: "0.7"]), name) == "0.7 option")
    }

    @Test func numbersInTheFileKeepTheirText() throws {
        let policy = try settings(
            "router: {confidence_min: 0.10}\nsizing: {usd_by_symbol: {BTCUSDT: 250.5, ETHUSDT: 50}}"
        )
        .routing(configSequence: 1)
        #expect(policy.confidenceMin == (try ExactDecimal("0.1")))
        #expect(policy.sizeUSDBySymbol.map { "\($0.symbol) \($0.sizeUSD)" } == ["BTCUSDT 250.5", "ETHUSDT 50"])
    }

    @Test(arguments: [
        ("router:\n  confidence_minimum: 1", "no such setting"), ("router: [1, 2]", "a single value"),
        ("router:\n  confidence_min: high", "a number is needed"), ("router:\n  confidence_min: 1.5", "from 0 to 1"),
        ("sizing:\n  default_usd: -1", "greater than zero"), ("sizing:\n  default_usd: 0", "greater than zero"),
        ("router:\n  confidence_required: maybe", "true or false"), ("log:\n  size_max_bytes: 1.5", "whole number"),
        ("sizing:\n  usd_by_symbol: BTC", "SYMBOL=USD"), ("sizing:\n  usd_by_symbol: A=1,a=2", "twice"),
        ("just text", "sections"), ("a: [", "backstop.yaml"),
    ])
    func aWrongFileIsNamed(file: String, expected: String) throws {
        do {
            _ = try settings(file)
            Issue.record("not refused: \(file)")
        } catch {
            #expect("\(error)".contains(expected), "\(error)")
        }
    }

    @Test func whatDecisionsUseIsRecordedSorted() throws {
        let applied = try settings(nil, [:], ["router.confidence_min": "0.4"]).applied
        #expect(applied.settings.map(\.name) == applied.settings.map(\.name).sorted())
        #expect(applied.settings.first { $0.name == "router.confidence_min" }?.source == "option")
        #expect(!applied.settings.contains { $0.name.hasPrefix("log.") })
    }
}
