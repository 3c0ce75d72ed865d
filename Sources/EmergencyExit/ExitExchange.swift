// The worker's side of the exchange: effects become requests, answers become messages.

internal import Domain
internal import Events
internal import Exchange
internal import Records

extension ExitWorker {
    /// - Parameter since: the range of a witness.
    func ask(_ effect: ExitEffect, since: Endpoint.TradeRange, run: String) {
        switch effect {
        case .positions(let look):
            exchange.ask(.positions(nil), .emergency) { [self] in put(.answer(run: run, .positions(look, $0))) }
        case .openOrders(let look):
            exchange.ask(.openOrders(nil), .emergency) { [self] in put(.answer(run: run, .openOrders(look, $0))) }
        case .openAlgoOrders(let look):
            exchange.ask(.openAlgoOrders(nil), .emergency) { [self] in put(.answer(run: run, .openAlgoOrders(look, $0)))
            }
        case .lookUp(let close):
            exchange.ask(.order(close.place.symbol, .clientID(close.clientOrderID)), .emergency) { [self] in
                put(.answer(run: run, .lookedUp(close, ExitWorker.checked($0, close))))
            }
        case .trades(let close, let orderID):
            exchange.ask(.accountTrades(close.place.symbol, .ofOrder(orderID)), .emergency) { [self] in
                put(.answer(run: run, .trades(close, $0)))
            }
        case .witness(let close):
            exchange.ask(.accountTrades(close.place.symbol, since), .emergency) { [self] in
                put(.answer(run: run, .witnessed(close, $0)))
            }
        case .cancelAll(let symbol):
            exchange.command(.cancelAllOrders(symbol), .emergency) { [self] in
                put(.answer(run: run, .canceled(symbol, isAlgo: false, $0)))
            }
        case .cancelAllAlgo(let symbol):
            exchange.command(.cancelAllAlgoOrders(symbol), .emergency) { [self] in
                put(.answer(run: run, .canceled(symbol, isAlgo: true, $0)))
            }
        case .close, .closeAgain, .note, .noteTrades, .tell: preconditionFailure("\(effect) is not asked")
        }
    }

    /// Its line stands in the journal.
    func place(_ close: CloseOrder, run: String) {
        do throws(MessageError) {
            let order = try close.order()
            exchange.place(order, permit: SendPermit(journaledCloseOf: close.clientOrderID), .emergency) { [self] in
                put(.answer(run: run, .closed(close, $0)))
            }
        } catch {
            put(.answer(run: run, .closed(close, .notSent(NotSent(reason: .outOfBounds, text: error.description)))))
        }
    }

    /// A report under our id that is not our order is no answer.
    private static func checked(_ answer: Answer<OrderReport>, _ close: CloseOrder) -> Answer<OrderReport> {
        guard case .accepted(let report) = answer else { return answer }
        guard report.side == close.side, report.positionSide == close.place.side, report.quantity <= close.quantity
        else { return .unknown(Unknown(reason: .mismatch, text: "another order stands under \(close.clientOrderID)")) }
        return answer
    }
}

extension Speaker {
    func tell(_ news: ExitNews) {
        switch news {
        case .found(let positions):
            say("Found \(positions.count) open positions")
            for (place, quantity) in positions.sorted(by: { $0.key < $1.key }) { say("  \(place) \(quantity)") }
        case .closing(let close):
            say("Closing \(close.place): \(close.side.rawValue) \(close.quantity) (reduce-only)")
        case .closed(let close, let end):
            let state = end.state.text.uppercased()
            let rest = state == "FILLED" ? "" : " \(state) with \(end.executed) of \(close.quantity)"
            say("\(close.place) closed\(rest) - Order ID: \(end.exchangeOrderID)")
        case .refused(let close, let why): warn("\(close.place) not closed: \(why)")
        case .unknown(let close, let why):
            warn("\(close.place): \(close.clientOrderID) may be there, asked for: \(why)")
        case .cannotLook(let why): warn("cannot look: \(why)")
        case .flat: say("flat: two looks show no position")
        }
    }
}
