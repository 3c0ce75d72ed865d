// The keys of the user stream: made, kept alive, closed, expired. One live key an account.

internal import Events
internal import Records

extension Venue {
    mutating func makeListenKey(_ account: Int) -> JSONValue {
        let text = accounts[account].listenKey?.text ?? generator.text(count: 64)
        accounts[account].listenKey = ListenKey(text: text, expiresAt: now + Limits.simulatedListenKeyMilliseconds)
        return object(["listenKey": .string(text)])
    }

    mutating func keepListenKey(_ account: Int) throws(VenueError) -> JSONValue {
        guard accounts[account].listenKey != nil else { throw .listenKey }
        return makeListenKey(account)
    }

    mutating func closeListenKey(_ account: Int) -> JSONValue {
        if let key = accounts[account].listenKey {
            outbox.append(StreamOutput(listenKey: key.text, content: .disconnect, dueAt: now))
            accounts[account].listenKey = nil
        }
        return object([:])
    }

    /// The stream stays connected and says nothing more.
    mutating func expire(_ key: ListenKey, of account: Int) {
        emit(account, "listenKeyExpired", object(["listenKey": .string(key.text)]), hasTransaction: false)
        accounts[account].listenKey = nil
    }
}
