// An audit as one page of HTML: no script from elsewhere, no font, no picture to load. What comes from records is
// escaped; a log must not be able to write into the page.

import Domain
import Events
import Records

struct AuditPage {
    private let report: AuditReport

    init(_ report: AuditReport) { self.report = report }

    var text: String {
        let title = "Audit of \(report.logID), \(TimeText.render(report.timeline.end))"
        return """
            <!doctype html><html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1"><title>\(HTML.escape(title))</title>
            <style>\(HTML.style)</style></head><body>
            <h1>Audit \(verdict)</h1>
            \(summary)
            <h2>Timeline</h2>
            \(AuditDrawing(report).svg)
            \(findings)
            \(replayed)
            \(gaps)
            \(marks)
            </body></html>

            """
    }

    private var verdict: String {
        report.hasPassed
            ? "<span class=good>passed</span>"
            : "<span class=bad>failed</span>: \(grouped(report.book.findingCount)) findings"
    }

    private var summary: String {
        HTML.table(
            nil,
            [
                ["log", report.logID.description], ["head", "\(report.head)"],
                ["records", grouped(report.head.sequence.rawValue)],
                ["from", TimeText.render(report.timeline.start)], ["to", TimeText.render(report.timeline.end)],
                ["judged", report.since.map { "since \(TimeText.render($0))" } ?? "from the first record"],
            ])
    }

    private var findings: String {
        guard !report.book.findings.isEmpty else { return "" }
        let rows = report.book.findings.map { [$0.sequence.description, $0.rule, $0.expected, $0.found] }
        return "<h2>Findings</h2>" + HTML.table(["seq", "rule", "expected", "found"], rows)
            + HTML.leftOut(report.book.findingCount - report.book.findings.count)
    }

    private var replayed: String {
        "<h2>As recorded</h2>"
            + HTML.table(["rule", "computed again, equal"], report.replayed.map { [$0.rule, grouped($0.count)] })
    }

    private var gaps: String {
        guard report.book.gapCount > 0 else { return "" }
        let rows = report.book.gaps.prefix(AuditPage.rowsMax).map { [$0.sequence.description, $0.rule, $0.why] }
        return "<h2>Not replayable</h2>" + HTML.table(["seq", "rule", "why"], rows)
            + HTML.leftOut(report.book.gapCount - rows.count)
    }

    private var marks: String {
        let rows = report.timeline.marks.suffix(AuditPage.rowsMax).map { mark in
            [TimeText.render(mark.at), mark.sequence.description, mark.kind.name, mark.text]
        }
        return "<h2>What changed what may be done</h2>" + HTML.table(["time", "seq", "kind", "what"], rows)
            + HTML.leftOut(report.timeline.marks.count - rows.count + report.timeline.marksLeftOut)
    }

    private static let rowsMax = 500
}

/// Pages that Backstop writes.
enum HTML {
    static let style = """
        :root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
        h1{font-size:1.6rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;font-size:.9rem}
        td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top;border-bottom:1px solid #8884;
        overflow-wrap:anywhere}th{font-weight:600}td:first-child{white-space:nowrap;font-variant-numeric:tabular-nums}
        .good{color:#17803d}.bad{color:#c62828}.dim{opacity:.65}svg{width:100%;height:auto}svg text{fill:currentColor}
        """

    static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.unicodeScalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
            }
        }
        return out
    }

    static func table(_ head: [String]?, _ rows: [[String]]) -> String {
        let top = head.map { "<tr>" + $0.map { "<th>\(escape($0))</th>" }.joined() + "</tr>" } ?? ""
        let body = rows.map { "<tr>" + $0.map { "<td>\(escape($0))</td>" }.joined() + "</tr>" }.joined(separator: "\n")
        return "<table>\(top)\n\(body)</table>"
    }

    static func leftOut(_ count: Int) -> String {
        count > 0 ? "<p class=dim>… and \(grouped(count)) more</p>" : ""
    }
}
