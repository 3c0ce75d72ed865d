// The words of an inline command, by Redis' rules: quotes, `\xHH` and escapes in double quotes, `\'` in single ones; a
// closing quote must be followed by a space or by the end. Pure.

enum InlineWords {
    /// Nil: the quotes are not balanced.
    static func split(_ line: [UInt8]) -> [[UInt8]]? {
        var words: [[UInt8]] = []
        var place = 0
        while true {
            while place < line.count, isSpace(line[place]) { place += 1 }
            guard place < line.count else { return words }
            guard let word = word(line, &place) else { return nil }
            words.append(word)
        }
    }

    private static func word(_ line: [UInt8], _ place: inout Int) -> [UInt8]? {
        var word: [UInt8] = []
        while place < line.count, !isSpace(line[place]) {
            switch line[place] {
            case 0x22:
                guard doubleQuoted(line, &place, &word) else { return nil }
                return word
            case 0x27:
                guard singleQuoted(line, &place, &word) else { return nil }
                return word
            case let byte:
                word.append(byte)
                place += 1
            }
        }
        return word
    }

    private static func doubleQuoted(_ line: [UInt8], _ place: inout Int, _ word: inout [UInt8]) -> Bool {
        place += 1
        while place < line.count {
            let byte = line[place]
            if byte == 0x22 { return closes(line, &place) }
            guard byte == 0x5c, place + 1 < line.count else {
                word.append(byte)
                place += 1
                continue
            }
            if line[place + 1] == 0x78, place + 3 < line.count, let high = hex(line[place + 2]),
                let low = hex(line[place + 3])
            {
                word.append(high << 4 | low)
                place += 4
            } else {
                word.append(escaped(line[place + 1]))
                place += 2
            }
        }
        return false
    }

    private static func singleQuoted(_ line: [UInt8], _ place: inout Int, _ word: inout [UInt8]) -> Bool {
        place += 1
        while place < line.count {
            if line[place] == 0x27 { return closes(line, &place) }
            if line[place] == 0x5c, place + 1 < line.count, line[place + 1] == 0x27 { place += 1 }
            word.append(line[place])
            place += 1
        }
        return false
    }

    private static func closes(_ line: [UInt8], _ place: inout Int) -> Bool {
        place += 1
        return place == line.count || isSpace(line[place])
    }

    private static func escaped(_ byte: UInt8) -> UInt8 {
        switch byte {
        case 0x6e: 0x0a
        case 0x72: 0x0d
        case 0x74: 0x09
        case 0x62: 0x08
        case 0x61: 0x07
        default: byte
        }
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x61...0x66: byte - 0x61 + 10
        case 0x41...0x46: byte - 0x41 + 10
        default: nil
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) || byte == 0 }
}
