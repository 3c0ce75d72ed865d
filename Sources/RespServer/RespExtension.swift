// The door for a server that is made for test suites: commands beside the log's own, values that are no streams, and
// names that can be given away again. `backstop` hands in none. With one, a command is done before anybody's next one
// begins, as in Redis, so what the extension keeps needs no lock and stays in step with the log.

package import EventLog
internal import NIOCore
internal import Records

package protocol RespExtension: AnyObject, Sendable {
    /// Beside the log's own, or in the place of those of the same name.
    var commands: [Command] { get }
    var databases: Int { get }
    /// How many entries `~` trims at once.
    var trimStep: Int { get }

    func meaning(of key: [UInt8], database: Int) -> Key
    /// Grows with each change of the key that is not the stream's own.
    func touches(_ key: [UInt8], database: Int) -> UInt64

    /// Each: nil where the command is not the extension's.
    func answer(
        _ command: Command, _ words: Words, from client: Int64, _ host: any ExtensionHost
    ) throws(RespError) -> RespValue?
    func read(_ command: Command, _ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue?
    func write(_ command: Command, _ words: Words, _ transaction: inout LogTransaction) throws -> RespValue?

    /// Before a transaction.
    func save()
    /// As it was saved: the transaction begins (perhaps once more), or has failed.
    func restore()

    func ran(_ command: String, microseconds: Int64, isFailed: Bool)
    /// A command that had blocked, and ended with an error.
    func failedBlocked(_ command: String)
    /// A command with the wrong number of words; nil: it is not known.
    func refused(_ command: String?)
    /// An error reply was given.
    func failed(_ text: String)
    /// Of INFO, beside the server's own or in the place of those of the same name.
    func sections(_ wanted: Set<String>, _ log: EventLog) -> [InfoSection]
}

/// What an extension may ask of its server.
package protocol ExtensionHost {
    /// Its counters begin anew.
    func resetCounters()
    func clients() -> [(id: Int64, address: String, localAddress: String)]
    /// - Parameter isAsking: its own reply comes first.
    func end(client: Int64, isAsking: Bool)
}

/// Where keys are looked up.
package struct KeyScope: Sendable {
    var `extension`: (any RespExtension)?
    package var database = 0

    func key(_ bytes: [UInt8]) -> Key { self.extension?.meaning(of: bytes, database: database) ?? Key(bytes) }
    func touches(_ bytes: [UInt8]) -> UInt64 { self.extension?.touches(bytes, database: database) ?? 0 }
    var trimStep: Int { self.extension?.trimStep ?? Trim.stepDefault }
}

extension Command {
    /// The log's own: HSET and DEL of the halt keys. An extension's go its way.
    var changesHalt: Bool { !isExtended && (name == "hset" || name == "del") }
}

extension Execution {
    /// `done` is called on the loop, once. With an extension: before this returns.
    func transact<R: Sendable>(
        _ writeClass: WriteClass, on loop: any EventLoop,
        _ body: @escaping @Sendable (inout LogTransaction) throws -> R,
        done: @escaping @Sendable (Result<R, any Error>) -> Void
    ) {
        guard let `extension` else {
            return log.transact(writeClass, body) { result in loop.execute { done(result) } }
        }
        `extension`.save()
        let result = Result {
            try log.transact(writeClass) { transaction in
                `extension`.restore()
                return try body(&transaction)
            }
        }
        if case .failure = result { `extension`.restore() }
        done(result)
    }
}
