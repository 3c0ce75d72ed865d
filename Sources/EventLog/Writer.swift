// The one writer of this process: bounded queue → one transaction for all that waits → one commit → all
// answered. A caller that finds nobody writing writes its turn itself, on its own OS thread, so that a lone
// append pays for no thread switch; whatever waits after that is the writer thread's. One at a time, always.
// Emergencies go first in every turn. A failed commit poisons the writer for the life of the process.

internal import Dispatch
internal import LMDB
internal import Processes
internal import Records
internal import Synchronization

/// One closure that waits for its turn.
final class WriteJob: Sendable {
    let writeClass: WriteClass
    let body: @Sendable (inout LogTransaction) throws -> Void
    let done: @Sendable ((any Error)?) -> Void

    init(
        _ writeClass: WriteClass, _ body: @escaping @Sendable (inout LogTransaction) throws -> Void,
        done: @escaping @Sendable ((any Error)?) -> Void
    ) {
        self.writeClass = writeClass
        self.body = body
        self.done = done
    }
}

final class Writer: @unchecked Sendable {
    private let environment: Environment
    private let turns: Turns
    private let capacity: Capacity
    private let clock: LogClock
    private let genesis: Digest
    private let usedBytes: @Sendable () -> Int
    private let committed: @Sendable () -> Void
    /// Touched only by the thread that made `isWriting` true, or was handed it.
    private var state: WriterState

    private struct Queue {
        var waiting: [WriteJob] = []
        /// While the writer waits for so many jobs, it is told when they are there.
        var gathered: Int?
        var isWriting = false
        var isClosed = false
        var poison: String?

        /// Emergencies first, otherwise in the order in which they came.
        mutating func takeWaiting() -> [WriteJob] {
            defer { waiting.removeAll(keepingCapacity: true) }
            guard waiting.contains(where: { $0.writeClass == .emergency }) else { return waiting }
            return waiting.filter { $0.writeClass == .emergency } + waiting.filter { $0.writeClass != .emergency }
        }

        enum Next { case more, idle, closed }

        /// What was left over goes first in the next turn.
        mutating func endTurn(_ rest: [WriteJob]) -> Next {
            waiting.insert(contentsOf: rest, at: 0)
            if !waiting.isEmpty { return .more }
            isWriting = false
            return isClosed ? .closed : .idle
        }
    }
    private let queue = Mutex(Queue())
    private let wake = DispatchSemaphore(value: 0)
    private let enough = DispatchSemaphore(value: 0)
    /// What a commit takes, about. As `state`, these two are the writing thread's.
    private var commitNanoseconds: UInt64 = 0
    private var turnsWithoutGathering = 0
    private let ended = DispatchSemaphore(value: 0)

    init(
        environment: Environment, turns: Turns, capacity: Capacity, clock: LogClock, genesis: Digest,
        state: WriterState, usedBytes: @escaping @Sendable () -> Int, committed: @escaping @Sendable () -> Void
    ) {
        self.environment = environment
        self.turns = turns
        self.capacity = capacity
        self.clock = clock
        self.genesis = genesis
        self.state = state
        self.usedBytes = usedBytes
        self.committed = committed
        OSThread.start("backstop-writer") { self.run() }
    }

    var poison: String? { queue.withLock { $0.poison } }

    private enum Admission {
        case refused(any Error)
        /// Somebody writes, and will see the job.
        case queued
        /// The writer waits for this one, and goes on.
        case completes
        /// The caller is the writer now.
        case leads
    }

    /// Queues the job; it is answered through `done`, always. Where nobody writes, this thread does
    /// (`mayLead`: it is an OS thread that may block), or the writer thread is woken.
    func submit(_ job: WriteJob, mayLead: Bool) {
        switch admission(of: job) {
        case .refused(let error): job.done(error)
        case .queued: return
        case .completes: enough.signal()
        case .leads: if mayLead { lead(turnsMax: 1) } else { wake.signal() }
        }
    }

    private func admission(of job: WriteJob) -> Admission {
        queue.withLock { queue in
            if let poison = queue.poison { return .refused(LogError.poisoned(poison)) }
            if queue.isClosed { return .refused(LogError.closed) }
            if queue.waiting.count >= Limits.queuedJobsMax, job.writeClass != .emergency {
                return .refused(LogError.refused(.busy(waiting: queue.waiting.count)))
            }
            queue.waiting.append(job)
            if let wanted = queue.gathered, queue.waiting.count >= wanted || job.writeClass == .emergency {
                queue.gathered = nil
                return .completes
            }
            defer { queue.isWriting = true }
            return queue.isWriting ? .queued : .leads
        }
    }

    /// Writes what waits, then ends the thread.
    func close() {
        let (first, mustWait) = queue.withLock { queue in
            defer { queue.isClosed = true }
            return (!queue.isClosed, queue.isWriting)
        }
        guard first else { return }
        if mustWait { ended.wait() }
        wake.signal()
    }

    private func run() {
        while true {
            wake.wait()
            if queue.withLock({ $0.isClosed && !$0.isWriting }) { return }
            lead(turnsMax: .max)
        }
    }

    /// Takes turns until nothing waits. After `turnsMax` the writer thread goes on.
    private func lead(turnsMax: Int) {
        var turns = 0
        while true {
            let jobs = queue.withLock { $0.takeWaiting() }
            let rest = write(jobs)
            turns += 1
            let next = queue.withLock { $0.endTurn(rest) }
            switch next {
            case .idle: return
            case .closed:
                ended.signal()
                return
            case .more where turns >= turnsMax:
                wake.signal()
                return
            case .more: gather(answered: jobs.count - rest.count)
            }
        }
    }

    /// Those who were just answered are likely to come again at once. Where some wait already, waiting for the others for a
    /// part of what a commit takes puts all of them into one: on a slow disk that doubles the rate. Where nobody comes,
    /// it is not tried again for some turns.
    private func gather(answered: Int) {
        let patience = commitNanoseconds / Limits.gatherShareOfCommit
        guard answered > 0, patience >= Limits.gatherNanosecondsMin else { return }
        if turnsWithoutGathering > 0 {
            turnsWithoutGathering -= 1
            return
        }
        let before = queue.withLock { queue in
            queue.gathered = queue.waiting.count + answered
            return queue.waiting.count
        }
        let nanoseconds = Int(min(patience, Limits.gatherNanosecondsMax))
        if enough.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success { return }
        let (after, isSignalled) = queue.withLock { queue in
            defer { queue.gathered = nil }
            return (queue.waiting.count, queue.gathered == nil)
        }
        if isSignalled { enough.wait() }  // it came in the last moment
        if after == before { turnsWithoutGathering = Limits.gatherTurnsLeftOut }
    }

    // MARK: One turn

    /// Writes as many jobs as one transaction takes; returns those that are left.
    private func write(_ jobs: [WriteJob]) -> [WriteJob] {
        if let poison = poison {
            for job in jobs { job.done(LogError.poisoned(poison)) }
            return []
        }
        let isEmergency = jobs.contains { $0.writeClass == .emergency }
        let isKeyIndexNear: Bool
        do { isKeyIndexNear = try state.keys.approach(environment, isEmergency: isEmergency) } catch {
            for job in jobs { job.done(explain(error)) }
            return []
        }
        turns.enter(emergency: isEmergency)
        let space = spaceForTurn(jobs)
        let admitted = admit(jobs, space, isKeyIndexNear: isKeyIndexNear)
        var outcome = Outcome(rest: [])
        if !admitted.isEmpty { outcome = transact(admitted, bytesAllowed: space.bytesPerTransaction) }
        turns.leave()
        for answer in outcome.answers { answer.job.done(answer.error) }
        Failpoint.replyAfter.hit()
        return outcome.rest
    }

    /// What is free now; the reserve is given away first where an emergency needs it.
    private func spaceForTurn(_ jobs: [WriteJob]) -> Space {
        let space = capacity.space(used: usedBytes())
        let isEmergency = jobs.contains { $0.writeClass == .emergency }
        guard isEmergency, space.diskFree < Limits.freeBytesMin, capacity.releaseReserve() else { return space }
        return capacity.space(used: usedBytes())
    }

    /// Answers the jobs that the space left does not allow.
    private func admit(_ jobs: [WriteJob], _ space: Space, isKeyIndexNear: Bool) -> [WriteJob] {
        jobs.filter { job in
            let isOutOfKeys = !isKeyIndexNear && job.writeClass != .emergency
            let outOfKeys = isOutOfKeys ? Refusal.full(state.keys.problem) : nil
            guard let refusal = outOfKeys ?? capacity.refusal(job.writeClass, space) else { return true }
            job.done(LogError.refused(refusal))
            return false
        }
    }

    private struct Answer {
        let job: WriteJob
        let error: (any Error)?
    }

    private struct Outcome {
        var answers: [Answer] = []
        var rest: [WriteJob]
    }

    /// A job threw after it had put something: the transaction starts over without it.
    private struct StartOver: Error {
        let failed: Int
        let cause: any Error
    }

    private func transact(_ jobs: [WriteJob], bytesAllowed: Int) -> Outcome {
        var jobs = jobs
        var failed: [Answer] = []
        while !jobs.isEmpty {
            do {
                var outcome = try attempt(jobs, bytesAllowed)
                outcome.answers += failed
                return outcome
            } catch let restart as StartOver {
                state.drop()
                failed.append(Answer(job: jobs.remove(at: restart.failed), error: restart.cause))
            } catch is KeysBehind {
                state.drop()
                return Outcome(answers: failed, rest: jobs)
            } catch {
                state.drop()
                return Outcome(answers: failed + jobs.map { Answer(job: $0, error: explain(error)) }, rest: [])
            }
        }
        return Outcome(answers: failed, rest: [])
    }

    /// One LMDB transaction.
    private func attempt(_ jobs: [WriteJob], _ bytesAllowed: Int) throws -> Outcome {
        var outcome = Outcome(rest: [])
        var began: UInt64 = 0
        try environment.write { transaction in
            Failpoint.transactionBegun.hit()
            try state.begin(transaction, genesis: genesis, bytesAllowed: bytesAllowed)
            outcome = try runJobs(jobs, &transaction)
            try state.flush(&transaction)
            Failpoint.commitBefore.hit()
            began = clock.boot().nanoseconds
        }
        Failpoint.commitAfter.hit()
        let took = clock.boot().nanoseconds
        commitNanoseconds = (commitNanoseconds * 7 + (took > began ? took - began : 0)) / 8
        state.committed()
        if state.putCount > 0 { committed() }
        return outcome
    }

    private func runJobs(_ jobs: [WriteJob], _ transaction: inout WriteTransaction) throws -> Outcome {
        var outcome = Outcome(rest: [])
        let began = clock.boot()
        let stamp = Stamp(recordedAt: clock.now(), monotonicAt: began)
        for (place, job) in jobs.enumerated() {
            if isFull(place, since: began) {
                outcome.rest = Array(jobs[place...])
                break
            }
            let putsBefore = state.putCount
            state.wasShortOfRoom = false
            do {
                try run(job, &transaction, stamp)
                if state.wasShortOfRoom, place > 0, state.putCount == putsBefore {
                    // Alone it may fit: it leads the next turn.
                    outcome.rest = Array(jobs[place...])
                    break
                }
                outcome.answers.append(Answer(job: job, error: nil))
            } catch let error as LMDBError {
                throw error
            } catch let error as KeysBehind {
                throw error
            } catch {
                guard state.putCount == putsBefore else { throw StartOver(failed: place, cause: error) }
                outcome.answers.append(Answer(job: job, error: error))
            }
        }
        return outcome
    }

    private func isFull(_ place: Int, since began: BootInstant) -> Bool {
        guard place > 0 else { return false }
        if place >= Limits.transactionJobsMax || state.putCount >= Limits.transactionRecordsMax { return true }
        if state.bytesPut >= min(Limits.transactionBytesMax, state.bytesAllowed / 2) { return true }
        return place.isMultiple(of: 16)
            && clock.boot().nanoseconds - began.nanoseconds >= Limits.transactionWorkNanosecondsMax
    }

    private func run(_ job: WriteJob, _ transaction: inout WriteTransaction, _ stamp: Stamp) throws {
        try withUnsafeMutablePointer(to: &transaction) { transaction in
            try withUnsafeMutablePointer(to: &state) { state in
                var lent = LogTransaction(transaction: transaction, state: state, stamp: stamp)
                try job.body(&lent)
            }
        }
    }

    /// Poisons where the outcome is unknown or the file is suspect.
    private func explain(_ error: any Error) -> any Error {
        if let error = error as? LMDBError, error.isMapFull { return LogError.notWritten("\(error)") }
        queue.withLock { $0.poison = $0.poison ?? "\(error)" }
        return error is CommitError ? LogError.outcomeUnknown("\(error)") : LogError.notWritten("\(error)")
    }
}
