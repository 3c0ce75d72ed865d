// Where a programme keeps the many files of one run: in memory, where the machine has enough of it.

import Foundation
import Glibc

enum WorkFolder {
    private static let freeBytesMin = 2 << 30

    /// Lends a folder of its own, and removes it.
    static func lend<R>(_ bench: Bench, _ body: (String) throws -> R) throws -> R {
        let folder = (isMemoryLarge ? "/dev/shm" : bench.folder) + "/backstop-proof-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms nothing
        return try body(folder)
    }

    private static var isMemoryLarge: Bool {
        var answer = statvfs()
        guard statvfs("/dev/shm", &answer) == 0, access("/dev/shm", W_OK) == 0 else { return false }
        return Int(answer.f_bavail) * Int(answer.f_frsize) > freeBytesMin
    }

    static func read(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else { throw Trouble("\(path) cannot be read") }
        return [UInt8](data)
    }

    /// A log's folder around a data file that is put in later.
    static func makeLogFolder(_ path: String, like original: String) throws {
        try FileManager.default.createDirectory(atPath: path + "/log", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: original + "/FORMAT", toPath: path + "/FORMAT")
    }

    /// Makes the log's data file hold these bytes, as after a boot: nobody's locks are left.
    static func put(_ bytes: [UInt8], into log: String) throws { try put(bytes, at: log + "/log/data.mdb") }

    /// The same with the data file at that path.
    static func put(_ bytes: [UInt8], at path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        unlink(folder + "/lock.mdb")
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw Trouble("\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        guard write(file, bytes, bytes.count) == bytes.count else { throw Trouble("\(path): the disk is full") }
    }
}
