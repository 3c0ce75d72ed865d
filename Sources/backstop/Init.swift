import ArgumentParser
import EventLog
import Events
import Records

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a new, empty log.",
        discussion: """
            The folder may exist, but must not be a log. Only init, `serve --init` and `append --init` make one.

            Examples:
              backstop init
              backstop init /var/lib/backstop
            """)

    @Argument(help: "The folder; --log, BACKSTOP_LOG or ./backstop-log where it is not given.")
    var folder: String?
    @OptionGroup var common: CommonOptions

    func run() throws {
        let path = folder ?? common.path
        guard !path.isEmpty else { throw CannotRun("the folder's name is empty") }
        let id = try EventLog.create(at: path, options: try common.logOptions())
        if common.json {
            Output.json(.object([JSONMember("log", .string(path)), JSONMember("log_id", .string(id.description))]))
        } else {
            Output.line("made log \(id) in \(path)")
        }
    }
}
