// The page in a bundle: what happened, in order, for somebody with nothing but a browser. No script, nothing from elsewhere.
// All text of records is foreign: nothing of it may become markup.

internal import Events
internal import Records

enum BundlePage {
    static func render(_ bundle: EvidenceBundle, _ reading: BundleReading) -> String {
        let rows = bundle.records.map { row($0, bundle.subject, reading) }.joined(separator: "\n")
        let span = bundle.span.map { "records \($0.first) to \($0.last.sequence) are linked, hash by hash" }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>Record \(bundle.subject) of log \(bundle.id)</title>
            <style>
            body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #222 }
            table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: .35em .6em }
            tr { border-top: 1px solid #ddd } code, pre, td.n { font: 13px/1.4 ui-monospace, monospace }
            pre { white-space: pre-wrap; word-break: break-word; margin: .3em 0 } tr.subject { background: #fff3cd }
            tr.context { color: #777 } summary { cursor: pointer } .why { font-size: 12px; color: #777 }
            </style></head><body>
            <h1>Record \(bundle.subject), and what belongs to it</h1>
            <p>Log <code>\(bundle.id)</code>, head <code>\(bundle.head)</code>. \(bundle.records.count) records;
            \(span ?? "the records are not linked to each other").
            Check this file before you believe it: <code>backstop verify FILE --head N:HASH</code>, or <code>tools/check-bundle FILE</code>.</p>
            <table><tr><th>Record</th><th>Time</th><th>What</th></tr>
            \(rows)
            </table></body></html>

            """
    }

    private static func row(
        _ record: BundledRecord, _ subject: SequenceNumber, _ reading: BundleReading
    ) -> String {
        let shown = reading.shown(record)
        let why = record.why.map(\.rawValue).joined(separator: ", ")
        let style = record.sequence == subject ? "subject" : record.isEvent ? "" : "context"
        let changed = reading.change(record).map { changes($0) } ?? ""
        return """
            <tr class="\(style)" id="r\(record.sequence)"><td class="n">\(record.sequence)<br>\(cause(shown))</td>\
            <td class="n">\(escaped(text(shown["recorded_at"])))</td>\
            <td><b>\(escaped(text(shown["kind"])))</b> <span class="why">\(why)</span>\(data(record, shown))\(changed)</td></tr>
            """
    }

    private static func cause(_ shown: JSONValue) -> String {
        guard case .number(let cause) = shown["cause"], cause != "0" else { return "" }
        return "<a href=\"#r\(cause)\">← \(cause)</a>"
    }

    private static func data(_ record: BundledRecord, _ shown: JSONValue) -> String {
        if case .withheld(_, _, let reason) = record.content { return "<pre>withheld: \(escaped(reason))</pre>" }
        guard case .object(let members) = shown["data"] else { return "" }
        let lines = members.map { "\($0.name): \(text($0.value))" }.joined(separator: "\n")
        return "<pre>\(escaped(lines))</pre>"
    }

    private static func changes(_ members: [JSONMember]) -> String {
        members.map { member in
            let (before, after) = (text(member.value["before"]), text(member.value["after"]))
            return
                "<details><summary>\(escaped(member.name)) changed</summary><pre>before \(escaped(before))</pre><pre>after  \(escaped(after))</pre></details>"
        }.joined()
    }

    private static func text(_ value: JSONValue?) -> String {
        guard let value else { return "" }
        if case .string(let text) = value { return text }
        return JSONText.render(value)
    }

    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\n": out += "\n"
            default:
                let isTame =
                    scalar.properties.generalCategory != .control && scalar.properties.generalCategory != .format
                out.unicodeScalars.append(isTame ? scalar : "\u{FFFD}")
            }
        }
        return out
    }
}
