// One life of an emergency exit, run again on what it was told: the closes that it wanted, in their order, what it said of
// them, and its end.

internal import Events
internal import Exchange
internal import Records

struct ExitReplay: Sendable {
    /// By client order id.
    private(set) var closes: [String: CloseOrder] = [:]
    private(set) var inherited: Set<String> = []
    private(set) var ends: [String: [ClosedOrder]] = [:]
    private(set) var completion: ExitCompletion?
    let trigger: String

    init(_ document: ExitDocument) {
        let begin = document.begin
        trigger = begin.trigger
        var run = ExitRun(
            trigger: begin.trigger, haltedAt: begin.haltedAt, instruments: begin.instruments, rules: begin.rules,
            journal: begin.journal, completion: begin.completion, at: begin.at)
        for past in begin.journal { inherited.insert(past.close.clientOrderID.text) }
        for (input, at) in document.inputs {
            switch input {
            case .take(let answer): follow(run.take(answer, at: at))
            case .tick: follow(run.tick(at))
            case .learn(let info): follow(run.learn(info, at: at))
            case .halted(let time): follow(run.halted(at: time, now: at))
            }
        }
        // What an earlier life had completed is not this one's.
        completion = begin.completion == nil ? run.completion : nil
    }

    private mutating func follow(_ effects: [ExitEffect]) {
        for effect in effects {
            switch effect {
            case .close(let close): closes[close.clientOrderID.text] = close
            case .note(let close, let end): ends[close.clientOrderID.text, default: []].append(end)
            case .positions, .openOrders, .openAlgoOrders, .lookUp, .trades, .witness, .cancelAll, .cancelAllAlgo,
                .closeAgain, .noteTrades, .tell:
                break
            }
        }
    }
}
