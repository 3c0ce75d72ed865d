// What `HELP` answers, word for word as Redis 7.0.15.

enum HelpTexts {
    static func reply(_ command: String, _ lines: [String]) -> RespValue {
        let first = "\(command) <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
        return .array(([first] + lines + ["HELP", "    Prints this help."]).map { .simple($0) })
    }

    static let xgroup = [
        "CREATE <key> <groupname> <id|$> [option]",
        "    Create a new consumer group. Options are:",
        "    * MKSTREAM",
        "      Create the empty stream if it does not exist.",
        "    * ENTRIESREAD entries_read",
        "      Set the group's entries_read counter (internal use).",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Create a new consumer in the specified group.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Remove the specified consumer.",
        "DESTROY <key> <groupname>",
        "    Remove the specified group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
        "    Set the current group ID and entries_read counter.",
    ]

    static let xinfo = [
        "CONSUMERS <key> <groupname>",
        "    Show consumers of <groupname>.",
        "GROUPS <key>",
        "    Show the stream consumer groups.",
        "STREAM <key> [FULL [COUNT <count>]",
        "    Show information about the stream.",
    ]

    /// Ours: only what is there.
    static let client = [
        "GETNAME", "    Return the name of the current connection.",
        "ID", "    Return the ID of the current connection.",
        "INFO", "    Return information about the current client connection.",
        "LIST [options ...]", "    Return information about client connections.",
        "NO-EVICT (ON|OFF)", "    Protect current client connection from eviction.",
        "SETINFO <option> <value>", "    Accepted and not kept.",
        "SETNAME <name>", "    Assign the name <name> to the current connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]", "    Unblock the specified blocked client.",
    ]

    static let command = [
        "(no subcommand)", "    Return details about all commands.",
        "COUNT", "    Return the total number of commands in this server.",
        "DOCS [<command-name> ...]", "    Empty here.",
        "INFO [<command-name> ...]", "    Return details about multiple commands.",
        "LIST", "    Return a list of all commands in this server.",
    ]
}
