// What the tests of the bridge share: a folder each, and how much memory somebody holds.

import Foundation
import Programmes

func withFolder<R>(_ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.path + "/bridge-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
    return try body(folder)
}

/// A Redis and a log with a bridge between them, on `streams`.
func withBridge(
    _ settings: [String: String] = BridgeBench.streams, _ body: (DurableRedis, BridgeBench) throws -> Void
) throws {
    try withFolder { folder in
        let redis = try DurableRedis(folder: folder + "/redis")
        let bench = try BridgeBench(folder: folder + "/bench", url: redis.url, settings: settings)
        try body(redis, bench)
        if bench.bridge != nil {
            let end = try bench.stopBridge()
            if end.status != 0 { throw Trouble("\(end)") }
        }
        let verified = try bench.run("verify")
        if verified.status != 0 { throw Trouble("\(verified)") }
    }
}

/// Resident memory without mapped files, in bytes.
func residentBytes(of pid: Int32? = nil) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(pid.map { "\($0)" } ?? "self")/status", encoding: .utf8)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
        let kilobytes = Int(line.split(whereSeparator: { " \t".contains($0) })[1])
    else { throw Trouble("no RssAnon") }
    return kilobytes << 10
}

extension DurableRedis {
    /// `count` entries of the stream, as few writes.
    func feed(_ stream: String, _ numbers: Range<Int>, _ more: [String] = []) throws {
        var rest = numbers
        while !rest.isEmpty {
            let part = rest.prefix(1_000)
            rest = rest.dropFirst(part.count)
            for reply in try ask(all: part.map { ["XADD", stream, "*", "n", "\($0)"] + more }) {
                if case .error(let text) = reply { throw Trouble("XADD: \(text)") }
            }
        }
    }
}
