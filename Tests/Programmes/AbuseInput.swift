// Inputs of a client without manners: commands that were good, changed somewhere, and things that never were commands.

struct AbuseInput {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private static let commands = [
        "PING", "ECHO x", "HELLO 3", "HELLO 2 AUTH default x SETNAME n", "AUTH x", "CLIENT LIST", "CLIENT INFO",
        "COMMAND DOCS", "INFO all", "SELECT 0", "RESET", "QUIT", "MULTI", "EXEC", "DISCARD", "WATCH s h", "UNWATCH",
        "XADD s * a b", "XADD s MAXLEN ~ 10 * a b c d", "XADD s 1-1 a b", "XADD exit_brain:heartbeat * a b", "XLEN s",
        "XRANGE s - + COUNT 3", "XREVRANGE s + -", "XREAD COUNT 2 STREAMS s 0", "XREAD BLOCK 0 STREAMS s $",
        "XGROUP CREATE s g $ MKSTREAM", "XGROUP SETID s g 0", "XGROUP DESTROY s g", "XGROUP CREATECONSUMER s g c",
        "XREADGROUP GROUP g c COUNT 2 STREAMS s >", "XREADGROUP GROUP g c BLOCK 5 STREAMS s >", "XACK s g 1-1",
        "XPENDING s g - + 10", "XCLAIM s g c 0 1-1 JUSTID", "XAUTOCLAIM s g c 0 0", "XINFO STREAM s FULL",
        "XINFO GROUPS s", "XTRIM s MAXLEN 5", "XDEL s 1-1", "XSETID s 9-9", "TYPE s", "KEYS *",
        "SCAN 0 MATCH s* COUNT 5",
        "DBSIZE", "GET quantum:dedup:trade_intent:t", "SET quantum:dedup:trade_intent:t 1 NX EX 86400", "TTL s",
        "EXISTS s t", "DEL s", "HGETALL system:state:trading", "HSET system:state:trading halted maybe", "NOSUCH a b c",
    ]
    private static let strange = [
        "*2147483647\r\n", "*1\r\n$536870912\r\n", "*-1\r\n", "*1\r\n$-1\r\n", "*1048577\r\n$4\r\nPING\r\n",
        "*1\r\n*1\r\n",
        "*3\r\n$3\r\nSET\r\n:1\r\n", "$5\r\nhello\r\n", "POST / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
        "\r\n\r\n",
        "\"unbalanced\r\n", "PING \u{0} x\r\n", "+OK\r\n", "*0\r\n", "*1\r\n$4\r\nPINGxx", "%1\r\n",
        "*99999999999999999999\r\n",
        "*1\r\n$0\r\n\r\n", "XADD s * a '\\x00'\r\n",
    ]

    mutating func next() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            if Int.random(in: 0..<6, using: &generator) == 0 {
                bytes += Array(pick(AbuseInput.strange).utf8)
            } else {
                bytes += encode(pick(AbuseInput.commands).split(separator: " ").map { Array($0.utf8) })
            }
        }
        for _ in 0..<Int.random(in: 0...4, using: &generator) { mutate(&bytes) }
        return bytes
    }

    private mutating func pick(_ from: [String]) -> String { from[Int.random(in: 0..<from.count, using: &generator)] }

    private mutating func encode(_ words: [[UInt8]]) -> [UInt8] {
        if Int.random(in: 0..<4, using: &generator) == 0 {
            return Array(words.joined(separator: [0x20])) + [0x0d, 0x0a]
        }
        var bytes = Array("*\(words.count)\r\n".utf8)
        for word in words { bytes += Array("$\(word.count)\r\n".utf8) + word + [0x0d, 0x0a] }
        return bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.remove(at: place)
        case 3: bytes.removeSubrange(place...)
        case 4: bytes.insert(contentsOf: bytes[..<place].suffix(40), at: place)
        default:
            let noise = (0..<Int.random(in: 1...60, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            bytes.insert(contentsOf: noise, at: place)
        }
    }
}
