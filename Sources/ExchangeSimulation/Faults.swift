// Faults on demand: which requests one meets, and what it then changes. A fault is chosen by a client of the
// control API, never by chance, so that a test can say what happened.

internal import Events

/// What a fault does to one request; its parts may stand together.
struct FaultEffect: Sendable {
    var delayBefore: Milliseconds = 0
    var delayInEngine: Milliseconds = 0
    /// Instead of carrying the request out.
    var refusal: Answer?
    /// Instead of the answer, after carrying it out.
    var replacement: Answer?
    var wire = Wire()
    var context = RequestContext()
    /// Whether it counts to the request weight.
    var isCounted = true
    /// Account, symbol, side: what position queries show.
    var staleHoldings: [[[Holding]]]?
}

struct Fault: Sendable {
    struct Match: Sendable {
        var method: String?
        var path: String?
        var symbol: String?
        var side: String?
        /// Closing orders and cancels pass, as with -1008.
        var sparesExempt = false
    }
    let id: Int
    let kind: String
    let match: Match
    /// So many matching requests pass first.
    var skip: Int
    /// So many meet it.
    var times: Int
    let effect: FaultEffect
    var hits = 0
}

enum StreamFaultEffect: Sendable, Equatable {
    case drop, duplicate, swap, disconnect
    case late(Milliseconds)
}

struct StreamFault: Sendable {
    let kind: String
    /// Event type; nil for any.
    let event: String?
    var skip: Int
    var times: Int
    let effect: StreamFaultEffect
    var hits = 0
}

extension Venue {
    /// The first fault that this request meets.
    mutating func takeFault(_ request: Request) -> FaultEffect? {
        guard !faults.isEmpty else { return nil }
        for index in faults.indices where faults[index].times > 0 && isMet(faults[index].match, by: request) {
            if faults[index].skip > 0 {
                faults[index].skip -= 1
                continue
            }
            faults[index].times -= 1
            faults[index].hits += 1
            return faults[index].effect
        }
        return nil
    }

    private func isMet(_ match: Fault.Match, by request: Request) -> Bool {
        if let method = match.method, method != request.method { return false }
        if let path = match.path, path != request.path { return false }
        guard match.symbol != nil || match.side != nil || match.sparesExempt else { return true }
        if match.sparesExempt, !Venue.throttledPaths.contains(request.path) { return false }
        let parameters: Parameters
        do throws(VenueError) {
            parameters = try Parameters(query: request.query, body: request.body)
            if let symbol = match.symbol, try parameters.text("symbol") != symbol { return false }
            if let side = match.side, try parameters.text("side") != side { return false }
            return match.sparesExempt ? try !isExempt(parameters) : true
        } catch {
            return false  // an unreadable request is refused for what it is
        }
    }

    /// Where -1008 is met.
    private static let throttledPaths = ["/fapi/v1/order", "/fapi/v1/order/test", "/fapi/v1/batchOrders"]

    /// Reduce-only in one-way mode, closing sides in hedge mode.
    private func isExempt(_ parameters: Parameters) throws(VenueError) -> Bool {
        if try parameters.boolean("reduceOnly") == true { return true }
        if try parameters.boolean("closePosition") == true { return true }
        let pair = (try parameters.text("side"), try parameters.text("positionSide"))
        return pair == ("SELL", "LONG") || pair == ("BUY", "SHORT")
    }

    mutating func takeStreamFault(_ event: String) -> StreamFaultEffect? {
        for index in streamFaults.indices where streamFaults[index].times > 0 {
            if let wanted = streamFaults[index].event, wanted != event { continue }
            if streamFaults[index].skip > 0 {
                streamFaults[index].skip -= 1
                continue
            }
            streamFaults[index].times -= 1
            streamFaults[index].hits += 1
            return streamFaults[index].effect
        }
        return nil
    }
}
