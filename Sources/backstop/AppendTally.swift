// Counting and showing the answers of an append.

import EventLog
import Events
import Foundation
import Records

struct AppendTally {
    private let json: Bool
    private let began = DispatchTime.now()
    private(set) var count = 0
    private var appended = 0
    private var duplicates = 0
    private var conflicts = 0
    private var refused = 0
    private var lastRefusal = ""
    /// The commit failed: nobody knows whether its entries are there.
    private var unknown: String?

    init(json: Bool) { self.json = json }

    mutating func add(_ answer: AppendAnswer, describe: Bool) {
        count += 1
        switch answer {
        case .appended(let place):
            appended += 1
            show("appended", place, describe)
        case .duplicate(let place):
            duplicates += 1
            show("duplicate", place, describe)
        case .conflict(let place):
            conflicts += 1
            show("conflict", place, describe)
        case .refused(let refusal):
            refused += 1
            lastRefusal = refusal.description
            showFailure("refused", refusal.description)
        case .unknown(let why):
            unknown = why
            showFailure("unknown", why)
        }
    }

    /// A trigger that is not accepted: on record, or counted.
    mutating func refusedTrigger(_ refused: EventPanicRefused, _ place: Place?) {
        count += 1
        self.refused += 1
        lastRefusal = "\(refused.reason.text): \(refused.detail)" + (place.map { ", record \($0.sequence)" } ?? "")
        guard json else { return }
        Output.json(
            .object([
                JSONMember("outcome", .string("refused")),
                JSONMember("seq", place.map { .number($0.sequence.description) } ?? .null),
                JSONMember("id", place.map { .string($0.entryID.description) } ?? .null),
                JSONMember("reason", .string("\(refused.reason.text): \(refused.detail)")),
            ]))
    }

    mutating func bad(_ line: Int, _ problem: String) {
        count += 1
        refused += 1
        lastRefusal = "line \(line): \(problem)"
        if json { showFailure("refused", lastRefusal) } else { Output.error("skipped \(lastRefusal)") }
    }

    private func show(_ outcome: String, _ place: Place, _ describe: Bool) {
        if json {
            Output.json(
                .object([
                    JSONMember("outcome", .string(outcome)), JSONMember("seq", .number(place.sequence.description)),
                    JSONMember("id", .string(place.entryID.description)),
                ]))
        } else if describe {
            Output.line("\(outcome) \(place.sequence) \(place.entryID)")
        }
    }

    private func showFailure(_ outcome: String, _ reason: String) {
        guard json else { return }
        Output.json(
            .object([
                JSONMember("outcome", .string(outcome)), JSONMember("seq", .null), JSONMember("id", .null),
                JSONMember("reason", .string(reason)),
            ]))
    }

    func showProgress() {
        let seconds = Double(DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds) / 1e9
        guard seconds > 0.5 else { return }
        Output.progress("\(grouped(count)) lines, \(grouped(Int(Double(count) / seconds)))/s")
    }

    /// Nothing more is written after a commit whose outcome is unknown.
    func requireKnown() throws {
        if let unknown { throw CannotRun("unknown whether it was written: \(LogError.outcomeUnknown(unknown))") }
    }

    func finish(isImport: Bool) throws {
        Output.endProgress()
        if isImport, !json {
            Output.line(
                "\(grouped(count)) lines: \(grouped(appended)) appended, \(grouped(duplicates)) duplicate, "
                    + "\(grouped(conflicts)) conflict, \(grouped(refused)) refused")
        }
        try requireKnown()
        if refused > 0 { throw NegativeFinding(text: "\(grouped(refused)) refused, the last one: \(lastRefusal)") }
        if conflicts > 0 {
            throw NegativeFinding(
                text: "\(grouped(conflicts)) conflict: the key has its record already, with other content; "
                    + "see backstop query --kind conflict")
        }
    }
}
