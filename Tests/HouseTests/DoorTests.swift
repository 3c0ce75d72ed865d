// The doors between the rooms: which room may import which. The table is the architecture; a wrong import
// fails here and not in a review.

import Foundation
import Testing

@Suite struct DoorTests {
    /// Libraries of the platform that any room may use, where it may do I/O at all.
    static let platform: Set<String> = ["Glibc", "Foundation", "Dispatch", "Synchronization"]

    /// Room → what it may import. What is not listed may not be imported.
    static let doors: [String: Set<String>] = [
        "Processes": ["CLinux", "Records", "Glibc", "Synchronization"],
        "Records": ["Crypto"],
        "LMDB": ["CLMDB", "Glibc", "Synchronization"],
        "SortedRuns": ["LMDB", "Records", "Glibc", "Synchronization"],
        "EventLog": ["Processes", "Records", "LMDB", "SortedRuns", "CLinux", "Glibc", "Dispatch", "Synchronization"],
        "Events": ["Records", "SwiftProtobuf", "Foundation", "FoundationEssentials"],
        "Domain": ["Records", "Events", "Exchange", "SwiftProtobuf"],
        "Exchange": ["Records", "Events"],
        "ExchangeClient": platform.union([
            "Records", "Events", "Exchange", "CCurl", "Crypto", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOWebSocket",
            "NIOSSL",
        ]),
        "Services": [
            "Processes", "Records", "EventLog", "LMDB", "SortedRuns", "Events", "Exchange", "Domain", "Logging", "Yams",
            "Synchronization", "Dispatch",
        ],
        // Never the log: whoever maps it can be ended by a page that cannot be read.
        "EmergencyExit": [
            "Processes", "Records", "Events", "Exchange", "Domain", "Glibc", "Dispatch", "Synchronization",
        ],
        "RespServer": [
            "Records", "EventLog", "Events", "Domain", "Services", "NIOCore", "NIOPosix", "Logging", "Dispatch",
            "Glibc", "Synchronization",
        ],
        "resp-scratch": platform.union([
            "Records", "Processes", "EventLog", "Events", "Domain", "Services", "RespServer", "ArgumentParser",
            "Logging",
        ]),
        "RedisBridge": [
            "Records", "EventLog", "Events", "Domain", "Services", "CHiredis", "Logging", "Foundation", "Glibc",
            "Synchronization",
        ],
        "Evidence": ["Records", "EventLog", "Events", "Domain"],
        "ExchangeSimulation": ["Records", "Events", "Crypto"],
        "Simulation": [
            "Records", "EventLog", "Events", "Exchange", "Domain", "Services", "ExchangeSimulation", "Logging",
            "Synchronization",
        ],
        "exchange-simulator": platform.union([
            "Processes", "Records", "Events", "ExchangeSimulation", "ArgumentParser", "NIOCore", "NIOPosix", "NIOHTTP1",
            "NIOWebSocket",
        ]),
        "backstop": platform.union([
            "Records", "Processes", "EventLog", "Events", "Exchange", "ExchangeClient", "Domain", "Services",
            "EmergencyExit", "RespServer", "RedisBridge", "Evidence", "ArgumentParser", "Logging",
        ]),
    ]

    @Test(arguments: doors.keys.sorted())
    func aRoomImportsOnlyThroughItsDoors(room: String) throws {
        let allowed = try #require(DoorTests.doors[room])
        for file in try House.swiftFiles("Sources/\(room)") {
            for (line, module) in House.imports(try House.text(file)) {
                #expect(
                    allowed.contains(module),
                    "\(file):\(line) imports \(module); \(room) may import \(allowed.sorted())")
            }
        }
    }

    @Test func everyRoomHasADoor() throws {
        let rooms = try FileManager.default.contentsOfDirectory(atPath: House.root + "/Sources")
        let swiftRooms = try rooms.filter { try !House.swiftFiles("Sources/\($0)").isEmpty }
        #expect(Set(swiftRooms) == Set(DoorTests.doors.keys))
    }

    /// What no record says may only be set where the log is thrown away, and that server's commands stay its own.
    @Test func theScratchDoorsAreUsedByScratchOnly() throws {
        let doors = ["setUnrecordedCounters": ["EventLog", "resp-scratch"], ": RespExtension": ["resp-scratch"]]
        for file in try House.swiftFiles("Sources") {
            let (room, text) = (file.split(separator: "/")[1], try House.text(file))
            for (word, rooms) in doors where text.contains(word) {
                #expect(rooms.contains(String(room)), "\(file) has \(word)")
            }
        }
    }

    @Test func theCheckSeesAWrongImport() {
        let text = "// import CLMDB\npackage import EventLog\n@testable import LMDB\nimport struct Foundation.Date\n"
        #expect(House.imports(text).map(\.module) == ["EventLog", "LMDB", "Foundation"])
    }
}

@Suite struct StyleTests {
    /// Words that a name must not end with: they say nothing.
    static let emptyWords = ["Manager", "Helper", "Util", "Utils", "Impl", "V2"]

    @Test func everyFileSaysAtItsDoorWhatItIs() throws {
        for file in try House.swiftFiles("Sources") where !file.contains("/Generated/") {
            let first = try House.text(file).split(separator: "\n", omittingEmptySubsequences: false).first ?? ""
            let isVerb = file.hasPrefix("Sources/backstop/")  // its abstract says it
            #expect(isVerb || first.hasPrefix("// "), "\(file) does not begin with what it is for")
        }
    }

    @Test func filesAreShortAndNamesMeanSomething() throws {
        for file in try House.swiftFiles("Sources") where !file.contains("/Generated/") {
            let lines = try House.text(file).split(separator: "\n", omittingEmptySubsequences: false).count
            #expect(lines <= 500, "\(file) has \(lines) lines")
            let name = String(file.split(separator: "/").last?.dropLast(6) ?? "")
            #expect(!StyleTests.emptyWords.contains { name.hasSuffix($0) }, "\(file): the name says nothing")
        }
    }

    @Test func noErrorIsSwallowed() throws {
        for file in try House.swiftFiles("Sources") where !file.contains("/Generated/") {
            let text = try House.text(file)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            for (number, line) in lines.enumerated() where line.contains(" try?") || line.contains("(try?") {
                let before = number > 0 ? lines[number - 1] : ""
                #expect(before.contains("//"), "\(file):\(number + 1) ignores an error and does not say why")
            }
        }
    }

    @Test func nothingSpeaksOfFloatingPointInFoldsAndDecisions() throws {
        let exact = ["Domain", "Events", "ExchangeSimulation"]
        for file in try exact.flatMap({ try House.swiftFiles("Sources/\($0)") })
        where !file.contains("/Generated/") {
            for (number, line) in try House.text(file).split(separator: "\n", omittingEmptySubsequences: false)
                .enumerated()
            {
                let code = line.components(separatedBy: "//")[0]
                #expect(
                    !code.contains("Double") && !code.contains("Float"), "\(file):\(number + 1) uses floating point")
            }
        }
    }
}

enum House {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Paths from the root.
    static func swiftFiles(_ folder: String) throws -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: root + "/" + folder) else { return [] }
        return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.map { folder + "/" + $0 }.sorted()
    }

    static func text(_ file: String) throws -> String { try String(contentsOfFile: root + "/" + file, encoding: .utf8) }

    /// Line number and module of every import.
    static func imports(_ text: String) -> [(line: Int, module: String)] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap { number, line in
            var words = line.split(separator: " ").map(String.init)
            while let first = words.first,
                first.hasPrefix("@") || ["package", "internal", "public", "private", "fileprivate"].contains(first)
            {
                words.removeFirst()
            }
            guard words.first == "import", words.count > 1 else { return nil }
            let kinds: Set<String> = ["struct", "class", "enum", "func", "protocol", "var", "let", "typealias"]
            let name = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return (number + 1, String(name.split(separator: ".")[0]))
        }
    }
}
