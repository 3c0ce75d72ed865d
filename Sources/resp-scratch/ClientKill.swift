// CLIENT KILL, by address in its old form, by filters in its new one.

import RespServer

struct ClientKill {
    private var id: Int64?
    private var address: String?
    private var localAddress: String?
    private var isOfType = true
    private var sparesItself = true
    private var isOld = false

    init(_ words: Words) throws(RespError) {
        guard words.count > 3 else {
            (address, sparesItself, isOld) = (words.text(2), false, true)
            return
        }
        guard words.count.isMultiple(of: 2) else { throw .syntax }
        for place in stride(from: 2, to: words.count, by: 2) {
            let text = words.text(place + 1)
            switch words.lower(place) {
            case "id":
                let wrong = RespError("client-id should be greater than 0")
                id = try words.integer(place + 1, wrong)
                guard let id, id > 0 else { throw wrong }
            case "addr": address = text
            case "laddr": localAddress = text
            case "type":
                guard ["normal", "master", "replica", "slave", "pubsub"].contains(words.lower(place + 1)) else {
                    throw RespError("Unknown client type '\(text)'")
                }
                isOfType = words.word(place + 1, is: "normal")
            case "user": guard text == "default" else { throw RespError("No such user '\(text)'") }
            case "skipme":
                sparesItself = words.word(place + 1, is: "yes")
                guard sparesItself || words.word(place + 1, is: "no") else { throw .syntax }
            default: throw .syntax
            }
        }
    }

    func run(from client: Int64, _ host: any ExtensionHost) throws(RespError) -> RespValue {
        let found = host.clients().filter { one in
            (id == nil || one.id == id) && (address == nil || one.address == address)
                && (localAddress == nil || one.localAddress == localAddress) && isOfType
                && !(sparesItself && one.id == client)
        }
        for one in found { host.end(client: one.id, isAsking: one.id == client) }
        guard isOld else { return .integer(Int64(found.count)) }
        if found.isEmpty { throw RespError("No such client") }
        return .ok
    }
}
