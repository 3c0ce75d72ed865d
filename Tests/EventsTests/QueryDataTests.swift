// The data that a query shows.

import Records
import Testing

@testable import Events

struct QueryDataTests {
    private func json(_ kind: EventKind, _ fields: FieldMap = FieldMap([("f", "v")])) throws -> String {
        let event = SampleEvent.event(kind)
        let draft = Draft(
            kind: kind.kind, stream: nil, key: nil, producer: "t", body: Body(fields: fields, typed: event.typed))
        return JSONText.render(try EventRecord.json(of: SampleEvent.record(draft)))
    }

    @Test func typedKindsShowTheirMembers() throws {
        #expect(
            try json(.decision)
                == #"{"symbol":"BTCUSDT","action":"buy","quantity":"0.002","position_size_usd":"100","confidence":"0.481812","#
                + #""entry_price":"91420.5","stop_loss":"90500","take_profit":"93000","leverage":5,"reduce_only":true,"#
                + #""position_side":"long","produced_at":"2025-11-22T13:32:18.282193Z","model":"xgb","correlation_id":"c-1","#
                + #""source":"ai-engine","members":{"regime":"trend"}}"#)
        #expect(try json(.conflict).hasSuffix(#""offered_fields":{"a":"1"}}"#))
    }

    @Test func untypedEntriesShowTheirFields() throws {
        var fields = FieldMap([("a", "1"), ("b", "2"), ("a", "3")])
        #expect(try json(.untyped, fields) == #"{"a":["1","3"],"b":"2"}"#)
        fields = FieldMap([.init(name: Array("x".utf8), value: [0xff])])
        #expect(try json(.untyped, fields) == #"{"x":{"base64":"/w=="}}"#)
    }

    @Test(arguments: EventKind.allCases)
    func everyKindHasDataAndItsOwnName(_ kind: EventKind) throws {
        let text = try json(kind)
        #expect(try JSONText.read(text) != .null)
        #expect(EventKind.named(kind.name) == kind && EventKind(kind.kind) == kind)
        #expect(SampleEvent.event(kind).kind == kind)
    }

    @Test func everyWordIsReadAsItIsShown() {
        func check<Word: Worded & CaseIterable>(_ type: Word.Type) {
            for value in Word.allCases where value.rawValue != 0 {
                #expect(Word.words.first { $0.0.lowercased() == value.word }?.1 == value, "\(type) \(value)")
            }
        }
        check(EventSide.self)
        check(EventPositionSide.self)
        check(EventAction.self)
        check(EventDecisionRefusalReason.self)
        check(EventSizedBy.self)
        check(EventTerminalState.self)
        check(EventOutcomeState.self)
        check(EventHeartStatus.self)
        check(EventPanicRefusalReason.self)
        check(EventResumeScope.self)
    }
}
