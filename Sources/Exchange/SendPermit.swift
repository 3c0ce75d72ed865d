// The right to send one order, once. It cannot be copied, stored in an array or sent twice: `place` takes it
// and it is gone. Only two things may make one: the log's answer `appended` to the order's request, and a
// line in the side journal for a close in an emergency. `duplicate` must never make one: whoever did not
// itself commit the request may ask and cancel, but not send.

package import Records

package struct SendPermit: ~Copyable, Sendable {
    /// The committed request, or none for a close that stands in the side journal.
    package let request: SequenceNumber
    /// The one order that may be sent with it.
    package let clientOrderID: ClientOrderID
    /// A journaled close may only reduce.
    package let isForClosingOnly: Bool

    /// Why the permit does not fit the order, or nil.
    package borrowing func refusal(of order: NewOrder) -> NotSent? {
        if clientOrderID != order.clientOrderID {
            return NotSent(reason: .permit, text: "the permit is for another order")
        }
        if isForClosingOnly && !order.canOnlyReduce {
            return NotSent(reason: .permit, text: "a journaled close may only reduce a position")
        }
        return nil
    }

    /// - Parameter sequence: from the answer `appended` to the draft that holds this client order id.
    package init(appended sequence: SequenceNumber, clientOrderID: ClientOrderID) {
        precondition(!sequence.isNone, "an appended request has a sequence")
        request = sequence
        self.clientOrderID = clientOrderID
        isForClosingOnly = false
    }

    /// For the exit worker, after the close's line stands in the side journal.
    package init(journaledCloseOf clientOrderID: ClientOrderID) {
        request = .none
        self.clientOrderID = clientOrderID
        isForClosingOnly = true
    }
}
