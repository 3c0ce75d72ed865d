// The audit's timeline as a drawing: a row for each sort of record, bars by their number, and over all rows the marks of
// what stopped and started trading, and of findings.

import Domain
import Events
import Records

struct AuditDrawing {
    private let report: AuditReport
    private static let (left, width, rowHeight, top) = (90, 960, 46, 34)

    init(_ report: AuditReport) { self.report = report }

    var svg: String {
        let lanes = AuditTimeline.Lane.allCases
        let height = AuditDrawing.top + lanes.count * AuditDrawing.rowHeight + 26
        var out =
            "<svg viewBox=\"0 0 \(AuditDrawing.left + AuditDrawing.width) \(height)\" role=\"img\" font-size=\"11\">"
        for (row, lane) in lanes.enumerated() { out += bars(lane, row) }
        for mark in report.timeline.marks { out += line(mark) }
        for (sequence, at) in report.findingTimes { out += dot(sequence, at) }
        let bottom = height - 8
        out += "<text x=\"\(AuditDrawing.left)\" y=\"\(bottom)\">\(TimeText.render(report.timeline.start))</text>"
        out +=
            "<text x=\"\(AuditDrawing.left + AuditDrawing.width)\" y=\"\(bottom)\" text-anchor=\"end\">\(TimeText.render(report.timeline.end))</text>"
        return out + "</svg>"
    }

    private func bars(_ lane: AuditTimeline.Lane, _ row: Int) -> String {
        let counts = report.timeline.counts[lane] ?? []
        let most = max(1, counts.max() ?? 1)
        let base = AuditDrawing.top + (row + 1) * AuditDrawing.rowHeight
        let step = Double(AuditDrawing.width) / Double(AuditTimeline.intervals)
        var out = "<text x=\"0\" y=\"\(base - 4)\">\(lane.rawValue)</text>"
        out +=
            "<line x1=\"\(AuditDrawing.left)\" x2=\"\(AuditDrawing.left + AuditDrawing.width)\" y1=\"\(base)\" y2=\"\(base)\" stroke=\"#8886\"/>"
        for (place, count) in counts.enumerated() where count > 0 {
            let height = max(1.5, Double(count) / Double(most) * Double(AuditDrawing.rowHeight - 10))
            let x = Double(AuditDrawing.left) + Double(place) * step
            out +=
                "<rect x=\"\(fixed(x))\" y=\"\(fixed(Double(base) - height))\" width=\"\(fixed(step - 0.6))\" height=\"\(fixed(height))\" fill=\"#4a7dbd\"><title>\(count) \(lane.rawValue)</title></rect>"
        }
        return out
    }

    private func line(_ mark: AuditTimeline.Mark) -> String {
        guard let colour = AuditDrawing.colour(mark.kind) else { return "" }
        let x = fixed(place(mark.at))
        let bottom = AuditDrawing.top + AuditTimeline.Lane.allCases.count * AuditDrawing.rowHeight
        let title = HTML.escape("\(mark.kind.name) #\(mark.sequence) \(TimeText.render(mark.at)) \(mark.text)")
        return
            "<line x1=\"\(x)\" x2=\"\(x)\" y1=\"\(AuditDrawing.top - 8)\" y2=\"\(bottom)\" stroke=\"\(colour)\" stroke-width=\"1.5\"><title>\(title)</title></line>"
    }

    private func dot(_ sequence: SequenceNumber, _ at: Timestamp) -> String {
        "<circle cx=\"\(fixed(place(at)))\" cy=\"\(AuditDrawing.top - 16)\" r=\"4\" fill=\"#c62828\"><title>finding at \(sequence)</title></circle>"
    }

    private func place(_ at: Timestamp) -> Double {
        let whole = Double(max(1, report.timeline.end.nanoseconds - report.timeline.start.nanoseconds))
        let share = Double(at.nanoseconds - report.timeline.start.nanoseconds) / whole
        return Double(AuditDrawing.left) + min(1, max(0, share)) * Double(AuditDrawing.width)
    }

    /// Nil: it stands in the table alone.
    private static func colour(_ kind: EventKind) -> String? {
        switch kind {
        case .panicRequested, .halt: "#c62828"
        case .panicCompleted: "#8e5bb5"
        case .resume, .reducingEnded: "#17803d"
        case .reducingRaised: "#b9770e"
        case .sessionStarted: "#8888"
        default: nil
        }
    }

    private func fixed(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
