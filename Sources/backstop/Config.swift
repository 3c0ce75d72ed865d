import ArgumentParser
import Events
import Services

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show every setting: value, source, unit; checks the settings file.",
        discussion: """
            Options beat environment variables, which beat backstop.yaml, which beats the defaults.

            Examples:
              backstop config
              BACKSTOP_ROUTER_CONFIDENCE_MIN=0.5 backstop config --json
            """)

    @OptionGroup var common: CommonOptions

    func run() throws {
        let settings = try common.loadSettings()
        var table = Table([
            ("SETTING", .left), ("VALUE", .left), ("UNIT", .left), ("SOURCE", .left), ("MEANING", .left),
        ])
        for value in settings.values {
            let definition = value.definition
            if common.json {
                Output.json(
                    .object([
                        JSONMember("setting", .string(definition.name)), JSONMember("value", .string(value.text)),
                        JSONMember("unit", .string(definition.unit)),
                        JSONMember("source", .string(value.source.rawValue)),
                        JSONMember("environment", .string(definition.environmentName)),
                        JSONMember("default", .string(definition.fallback)),
                    ]))
            } else {
                let text = value.text.isEmpty ? "-" : value.text
                table.add([definition.name, text, definition.unit, value.source.rawValue, definition.meaning])
            }
        }
        if !common.json { table.print() }
    }
}
