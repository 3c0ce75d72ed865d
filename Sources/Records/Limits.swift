// Every bound of Backstop, with its unit in its name. A number stands here once; everything else
// refers to it. Reaching a bound is a clear error or a refusal, never a truncation.

package enum Limits {
    // Fields of a record.
    package static let keyBytesMax = 512
    package static let traceBytesMax = 256
    package static let producerBytesMax = 128
    package static let streamNameBytesMax = 200
    package static let groupNameBytesMax = 128
    package static let consumerNameBytesMax = 128
    package static let guardNameBytesMax = 256
    package static let guardHoldersMax = 64
    package static let guardOperationsPerRecordMax = 16
    package static let bodyBytesMax = 1 << 20
    package static let fieldsPerMessageMax = 512
    package static let fieldNameBytesMax = 256
    package static let fieldValueBytesMax = 256 << 10
    package static let symbolBytesMax = 32
    package static let reasonBytesMax = 512
    /// How far an explicit entry id of a known stream may lie ahead of the clock.
    package static let entryIDAheadMillisecondsMax = 60_000
    package static let jsonDepthMax = 32

    // Evidence.
    package static let conflictsPerKeyMax = 16
    /// A larger body that was offered is recorded by its digest alone.
    package static let conflictBodyBytesMax = 64 << 10

    // One write transaction. LMDB 0.9.24 leaks spilled pages, so a transaction stays far below
    // 100,000 dirty pages.
    package static let transactionJobsMax = 4_096
    package static let transactionRecordsMax = 8_192
    package static let transactionBytesMax = 8 << 20
    /// One job alone may go so far; a larger one is refused.
    package static let jobBytesMax = 64 << 20
    package static let transactionWorkNanosecondsMax: UInt64 = 5_000_000
    package static let queuedJobsMax = 65_536
    /// Where appends wait already, those who were just answered are waited for: this share of what a commit takes …
    package static let gatherShareOfCommit: UInt64 = 4
    /// … and not at all where that is less than a thread's wake.
    package static let gatherNanosecondsMin: UInt64 = 50_000
    package static let gatherNanosecondsMax: UInt64 = 5_000_000
    /// After a wait in vain.
    package static let gatherTurnsLeftOut = 16

    // The key index.
    /// So many keys in memory become a run. A process that opens the log has to read so many records' keys, or a few
    /// times as many while others write.
    package static let keysPerFlush = 65_536
    /// 48 bytes each. Beyond it, because no run can be written, ordinary appends are refused.
    package static let keysInMemoryMax = 1 << 20
    package static let keyRunsPerTier = 8
    /// A row is a page: what one transaction of a merge writes, between two of which others may write.
    package static let keyRowsPerTransaction = 2_000
    /// So many records of others are read under the write lock; more are read before it.
    package static let keyRecordsUnderLockMax: UInt64 = 1_000
    /// An emergency reads so many before it, then goes on; what is missing is looked for in the records.
    package static let keyRecordsBeforeEmergencyMax = 200_000
    /// How long an append waits for runs to be written when memory is half full.
    package static let keyRoomMillisecondsMax = 1_000
    /// 24 bytes each: where the index is missing, `verify` looks at so many at a time.
    package static let keysPerVerifyPassMax = 4 << 20
    /// After a run could not be written.
    package static let keyRetryMilliseconds = 1_000
    /// A larger merge is left for the next process when the log is closed.
    package static let keysMergedWhenClosing: UInt64 = 2 << 20

    // The log's folder.
    package static let mapBytes = 1 << 40
    package static let readersMax: UInt32 = 1_024
    package static let reserveBytesDefault = 64 << 20
    package static let ordinaryFillPercentMax = 80
    package static let groupFillPercentMax = 90
    package static let freeBytesMin = 1 << 20
    /// Of a file that is copied byte by byte.
    package static let copyChunkBytes = 1 << 20
    /// Heads that a restore is given.
    package static let knownHeadsMax = 64

    // Streams and groups.
    package static let blockEntriesMax = 256
    package static let groupReadEntriesMax = 10_000
    /// Splitting a run reads all of it.
    package static let pendingRunEntriesMax: UInt64 = 1_024
    package static let deadLettersPerGroupMax: UInt64 = 100_000
    /// Ids in one `stream.hidden` or `group.changed` record.
    package static let entryIDsPerRecordMax = 10_000
    package static let deliveryCountMax: UInt64 = 1 << 62
    /// 139 years: what may be asked for as idle time.
    package static let idleMillisecondsMax: Int64 = 1 << 42
    /// XAUTOCLAIM looks at so many pending entries for each that it may claim.
    package static let claimLooksPerEntry = 10
    /// What the roles' groups are made with.
    package static let roleDeadAfterDeliveries: UInt64 = 5
    package static let consumersPerGroupMax = 10_000
    /// Two milliseconds apart.
    package static let consumerLockTriesMax = 100

    // Readers and waits.
    package static let scanRecordsPerTransactionMax = 20_000
    package static let wakeIntervalMillisecondsMax = 1_000
    package static let recentChainRecordsOnOpen: UInt64 = 1_024

    // Audits.
    package static let evidenceBytesPerPartMax = 256 << 10
    /// Of the emergency exit's evidence; a message to its recorder holds one part.
    package static let exitEvidenceBytesPerPartMax = 24 << 10
    package static let exitEvidenceBytesMax = 8 << 20
    /// Runs whose records and evidence an audit holds until its end.
    package static let auditExitsMax = 10_000
    /// What is told to one run; beyond it the run has no evidence.
    package static let exitInputsMax = 50_000
    /// One answer. It is as large as an exchange makes it, and must not keep an intent from its end: of a larger one only
    /// the size is kept.
    package static let evidenceBytesPerStepMax = 512 << 10
    /// Of moments in evidence, in both directions: far beyond any clock, and sums of them fit.
    package static let evidenceMillisecondsMax: Int64 = 1 << 50
    /// Legs of one intent: each of its lives may ask for so many parts of a close.
    package static let evidenceLegMax: Int64 = 1 << 20
    /// Lives of executions that an audit has in its hands at once; the oldest go first.
    package static let auditLivesMax = 4_096
    /// Steps of one life. The rules read the whole story for each: a week of looking for an order, and no more.
    package static let auditStepsPerLifeMax = 20_000
    /// Steps of all of them together.
    package static let auditStepsMax = 1_000_000
    /// Findings, and gaps, that are listed; beyond it they are counted.
    package static let auditFindingsKeptMax = 10_000
    /// Records that the page names one by one.
    package static let auditMarksMax = 5_000
    /// What is younger at the end of a log may still come, or be noticed.
    package static let auditGraceNanoseconds: Int64 = 60_000_000_000
    /// Of intents and triggers: they may have to be looked for.
    package static let auditIntentGraceNanoseconds: Int64 = 600_000_000_000
    /// A trigger may be so late beyond its threshold.
    package static let auditWatchMarginNanoseconds: UInt64 = 1_000_000_000

    // Folds.
    package static let openOrdersMax = 100_000
    /// Lines of recovery's table; what is beyond is counted.
    package static let recoveryRowsShownMax = 200
    /// Orders whose names the REST feed keeps.
    package static let feedOrderNamesMax = 10_000
    /// Requests of one intent: the parts of a large close.
    package static let ordersPerIntentMax = 100
    package static let openIntentsMax = 1_000_000

    package static let positionsMax = 1_000_000
    package static let positionAnomaliesKeptMax = 100
    package static let openPanicsMax = 1_000_000
    package static let recentPanicsKeptMax = 100
    package static let refusalReasonsCountedMax = 1_000
    package static let heartbeatServicesMax = 1_000

    // Refusals.
    /// Reasons and clients of refused triggers that are told apart.
    package static let refusalSourcesMax = 1_000
    package static let refusalSampleBytesMax = 256

    // Text of messages.
    package static let decimalTextBytesMax = 64
    package static let timeTextBytesMax = 40
    package static let quotedCharactersMax = 40

    // The exchange's client. A body leaves in one piece, so it must fit into libcurl's smallest buffer.
    package static let exchangeBodyBytesMax = 8 << 10
    package static let exchangeHeaderBytesMax = 64 << 10
    package static let exchangeAnswerBytesMax = 1 << 20
    /// exchangeInfo, and lists over all symbols.
    package static let exchangeListAnswerBytesMax = 32 << 20
    package static let exchangeRowsMax = 20_000
    /// In the quote asset. Beyond it a price is taken for a mistake.
    package static let exchangePriceMax: Int64 = 1_000_000_000_000
    package static let exchangeConnectionsMax = 32
    /// The rest is for emergencies alone.
    package static let exchangeOrdinaryConnectionsMax = 24
    package static let exchangeQueuedRequestsMax = 1_024
    package static let exchangeConnectMillisecondsMax = 3_000
    package static let exchangeTotalMillisecondsMax = 10_000
    /// A kept-alive connection that was idle for longer is not used again.
    package static let exchangeIdleConnectionSecondsMax = 30
    package static let exchangeConnectionAgeSecondsMax = 3_600
    package static let credentialBytesMax = 256
    package static let credentialFileBytesMax = 4_096
    package static let clientOrderIDBytesMax = 36
    package static let tradesPerAnswerMax = 1_000
    /// Seven days.
    package static let tradeRangeMillisecondsMax: Int64 = 604_800_000
    package static let recvWindowMillisecondsDefault = 5_000
    /// Beyond recvWindow, before "not found" may be believed.
    package static let horizonMarginMillisecondsMin = 10_000
    /// Of orders that may increase risk: a fence must not wait for longer.
    package static let openingRecvWindowMillisecondsMax = 2_000
    package static let countdownMillisecondsMax = 86_400_000
    /// Requests and weight: what is not an emergency stops here.
    package static let ordinaryBudgetPercentMax = 65
    /// Until the exchange has told its own limits (production's of 2026-09).
    package static let weightPerMinuteDefault = 2_400
    package static let ordersPerTenSecondsDefault = 300
    package static let ordersPerMinuteDefault = 1_200
    package static let retryAfterSecondsMax = 259_200
    package static let banSecondsDefault = 120
    package static let clockSampleRoundTripMillisecondsMax = 2_000
    package static let clockOffsetMillisecondsMax: Int64 = 600_000

    // The emergency exit.
    /// Longer than for others: a slow exchange is asked with patience, and other questions go on beside it.
    package static let exitTotalMillisecondsMax = 30_000
    /// Closes of one run whose trades are asked for at once.
    package static let exitTradeQuestionsMax = 40
    package static let exitJournalLineBytesMax = 16 << 10
    package static let exitJournalBytesMax = 16 << 20
    package static let exitJournalFilesMax = 1_000
    /// A place for the journal that does not take a write by then is left for the next one.
    package static let exitJournalWriteMilliseconds = 50
    package static let exitTriggersWaitingMax = 1_000
    /// Of those that wait for their run, so many are journaled before it begins.
    package static let exitTriggersKeptMax = 4
    package static let exitTextLinesWaitingMax = 10_000
    /// A recorder that is silent for longer is done without; for much longer, it is started anew.
    package static let recorderSilenceMilliseconds: Int64 = 250
    package static let recorderSilenceMillisecondsMax: Int64 = 5_000
    package static let recorderAliveMilliseconds: Int64 = 100
    package static let recorderMessageBytesMax = 64 << 10

    // The user-data stream.
    /// The year 2100: a later time is a mistake, and would not fit into nanoseconds much longer.
    package static let exchangeTimeMillisecondsMax: Int64 = 4_102_444_800_000
    package static let listenKeyBytesMin = 16
    package static let listenKeyBytesMax = 256
    /// How long a key lives that nobody extends.
    package static let listenKeyMilliseconds: Int64 = 3_600_000
    package static let listenKeyRenewalMillisecondsDefault: Int64 = 1_800_000
    package static let listenKeyRetryMillisecondsDefault: Int64 = 60_000
    /// The exchange pings every three minutes.
    package static let streamSilenceMillisecondsDefault: Int64 = 300_000
    /// The exchange cuts a connection after 24 hours.
    package static let streamConnectionMillisecondsDefault: Int64 = 82_800_000
    /// Connecting, TLS and handshake together.
    package static let streamConnectMillisecondsMax: Int64 = 10_000
    package static let streamBackoffMillisecondsMin: Int64 = 250
    package static let streamBackoffMillisecondsMax: Int64 = 30_000
    /// A connection that held for so long was a good one: the next loss begins with the shortest wait again.
    package static let streamStableMillisecondsDefault: Int64 = 60_000
    package static let streamMessageBytesMax = 1 << 20
    package static let streamFragmentsMax = 256
    /// The kernel's. Nothing leaves but the handshake and answers to pings.
    package static let streamSendBufferBytes = 16 << 10

    // Between processes of one machine.
    /// The kernel's: sockaddr_un, less the zero at the end.
    package static let localSocketPathBytesMax = 107
    package static let localMessageBytesMax = 16 << 10
    package static let localConnectionsMax = 16
    /// Who connected and said nothing for so long is dropped.
    package static let localConnectionMillisecondsMax = 1_000
    package static let localBindMillisecondsMax = 1_000

    /// What one datagram to the service manager may hold.
    package static let notifyMessageBytesMax = 4_096

    // The watchdog. The first four are the documented thresholds: settings may lower them, never raise them.
    package static let watchdogMissingMillisecondsMax = 5_000
    package static let watchdogUnguardedMillisecondsMax = 3_000
    package static let watchdogDegradedMillisecondsMax = 5_000
    package static let watchdogStagnantMillisecondsMax = 30_000
    /// How long nobody need have been heard of, in a log without a heartbeat and without open positions.
    package static let watchdogFirstHeartbeatMillisecondsMax = 600_000
    package static let watchdogThresholdMillisecondsMin = 100
    package static let watchdogTickMillisecondsMax = 100
    /// Between two tries of what failed: opening the log, reading it, publishing a trigger.
    package static let watchdogRetryMilliseconds = 1_000
    /// The log's time to take a trigger; then the exit worker is woken over its socket.
    package static let triggerAppendMillisecondsMax = 250
    package static let exitSocketMillisecondsMax = 1_000
    /// An operator's trigger, when the exit worker cannot be woken either.
    package static let panicAppendMillisecondsMax = 30_000
    package static let heartIntervalMillisecondsMax = 60_000

    // The Redis face.
    /// What a record can hold as a whole; its fields are narrower and say so by name.
    package static let respBulkBytesMax = bodyBytesMax
    package static let respArgumentsMax = 1 << 16
    /// Redis' own bound of a line.
    package static let respLineBytesMax = 64 << 10
    /// All arguments of one command.
    package static let respCommandBytesMax = 4 << 20
    /// Of the file of users.
    package static let respUsersBytesMax = 1 << 20
    /// Commands between MULTI and EXEC, and their arguments' bytes.
    package static let respQueuedCommandsMax = 10_000
    package static let respQueuedBytesMax = 8 << 20
    /// Commands of one connection that share one closure; beyond so many bytes that wait, nothing more is read.
    package static let respBatchCommandsMax = 256
    package static let respBatchBytesMax = 1 << 20
    /// A larger answer is an error.
    package static let respReplyBytesMax = 32 << 20
    /// What a client has not read yet; beyond, its commands wait.
    package static let respOutputBytesHigh = 1 << 20
    package static let respOutputBytesLow = 256 << 10
    /// Who does not read for so long, with answers waiting, is closed.
    package static let respStalledMillisecondsMax: Int64 = 30_000
    package static let respConnectionsMax = 10_000
    package static let respWatchedKeysMax = 1_000
    package static let respBlockedEntriesMax = 1_000
    package static let respClientNameBytesMax = 256

    // The bridge to Redis.
    /// hiredis' own depth is 7.
    package static let redisReplyElementsMax = 65_536
    package static let redisReplyBytesMax = 8 << 20
    package static let redisConnectMillisecondsMax = 2_000
    /// Beyond what a command blocks on purpose; then the connection is dead.
    package static let redisAnswerMillisecondsMax = 2_000
    /// XREADGROUP's BLOCK: a stop is seen after it.
    package static let bridgeBlockMilliseconds = 1_000
    /// Entries of each stream in one XREADGROUP or XAUTOCLAIM; fewer where an answer was over its cap.
    package static let bridgeReadEntriesMax = 128
    /// Entries, and their bytes, in one MULTI.
    package static let bridgeSendEntriesMax = 256
    package static let bridgeSendBytesMax = 1 << 20
    /// Dedup keys in one round trip.
    package static let bridgeKeysPerWriteMax = 500
    package static let bridgeStreamsMax = 64
    package static let bridgeNameBytesMax = 64
    package static let bridgeBackoffMillisecondsMin: Int64 = 100
    package static let bridgeBackoffMillisecondsMax: Int64 = 5_000
    /// A stream that the log takes no entries for (it is full) is asked for again after so long.
    package static let bridgeWaitMilliseconds: Int64 = 1_000
    /// Lags are asked for, keys looked at and the report written so often.
    package static let bridgeLookMilliseconds: Int64 = 1_000
    /// A stream that stopped is looked at again after so long.
    package static let bridgeStoppedMilliseconds: Int64 = 10_000
    /// Refused triggers that wait for the record that counts them, before they are acknowledged.
    package static let bridgeHeldTriggersMax = 100_000
    package static let bridgeReportBytesMax = 1 << 20

    // Commands.
    package static let queryPageRecordsMax = 500
    /// Of the records that one page of a query holds in memory; one record more may stand in it.
    package static let queryPageBytesMax = 8 << 20
    /// A range that is not longer is scanned, whatever the search index could say.
    package static let queryScanRecordsMax: UInt64 = 4_096
    /// `query --last`: they stand in memory until the first is shown.
    package static let queryLastRecordsMax = 10_000
    /// Of `query --where`.
    package static let conditionBytesMax = 4_096
    package static let conditionDepthMax = 32
    package static let conditionComparisonsMax = 64
    package static let conditionPatternBytesMax = 256
    /// From a record back to where it all began.
    package static let causeDepthMax = 10_000
    package static let causalRecordsMax = 100_000
    /// Deeper lines of a tree are drawn at this depth.
    package static let causalDepthDrawnMax = 40

    // The search index.
    package static let searchBlockBytesMax = 8_176
    /// Postings of one term that stand together.
    package static let searchEntryPostingsMax = 256
    /// A run is built from so many records; fewer wait for more, and are scanned by whoever asks.
    package static let searchRunRecordsMin: UInt64 = 4_096
    package static let searchRunRecordsMax: UInt64 = 131_072
    /// So many runs of one size become one.
    package static let searchRunsPerMerge = 8
    package static let searchRunsMax = 64
    /// One transaction of whoever builds the index.
    package static let searchStepBytesMax = 1 << 20
    /// Who asks brings the index up to date where more records than these are not in it yet.
    package static let searchTailRecordsMax: UInt64 = 16_384
    package static let searchPagePostingsMax = 512
    /// Looks of one page, so that its read transaction stays short.
    package static let searchPageLooksMax = 50_000

    // Snapshots, and rebuilding what is derived.
    package static let snapshotRecordsMin: UInt64 = 65_536
    package static let snapshotsMax = 64
    package static let snapshotsKeptMin = 4
    package static let snapshotBytesMax = 256 << 20
    /// One step, then a checkpoint.
    package static let foldStepRecords: UInt64 = 131_072
    /// Differences that `rebuild --check` prints for each projection; all are counted.
    package static let differencesShownMax = 20

    // Bundles.
    package static let bundleRecordsMax = 10_000
    /// Of the chain, 152 bytes each.
    package static let bundleLinksMax = 200_000
    package static let bundleBytesMax = 128 << 20
    /// Of the manifest and the zip's own tables.
    package static let bundleOverheadBytesMax = 64 << 10
    package static let bundleFilesMax = 16
    package static let bundleLinesMax = 200_000
    package static let bundleFindingsMax = 20
    /// Key, trace id, producer and body of one record; the log's own records may be larger than what callers append.
    package static let bundledTailBytesMax = 2 << 20
    /// Of one projection; larger ones are left out of a bundle, and their digests are not.
    package static let bundledPartBytesMax = 4 << 20

    // Import.
    package static let importLineBytesMax = 1 << 20
    package static let importBatchBytesMax = 2 << 20

    // The simulated exchange.
    package static let simulatedAmountMax = 1_000_000_000_000
    package static let simulatedParametersMax = 64
    package static let simulatedClientIDBytesMax = 36
    package static let simulatedKeyBytesMax = 128
    package static let simulatedSymbolsMax = 500
    package static let simulatedAccountsMax = 1_000
    package static let simulatedClientsMax = 10_000
    package static let simulatedOrdersKeptMax = 200_000
    package static let simulatedFillsKeptMax = 200_000
    package static let simulatedAlgosKeptMax = 10_000
    package static let simulatedOrdersShownMax = 1_000
    package static let simulatedModificationsMax = 10_000
    package static let simulatedBatchMax = 5
    package static let simulatedCancelBatchMax = 10
    package static let simulatedLevelsMax = 1_000
    package static let simulatedLevelNotionalMax: Int64 = 1_000_000_000
    /// A longer gap is jumped over: prices stand still in it.
    package static let simulatedMovesPerAdvanceMax: Int64 = 1_000
    package static let simulatedFaultsMax = 1_000
    package static let simulatedFaultTimesMax: Int64 = 1_000_000_000
    package static let simulatedDelayMillisecondsMax: Int64 = 600_000
    package static let simulatedClockOffsetMillisecondsMax: Int64 = 86_400_000
    package static let simulatedReceiveWindowMillisecondsMax: Int64 = 60_000
    package static let simulatedListenKeyMilliseconds: Int64 = 3_600_000
    package static let simulatedCountdownMillisecondsMax: Int64 = 86_400_000_000
    package static let simulatedQueryMillisecondsMax: Int64 = 604_800_000
    package static let simulatedUnfilledKeptMilliseconds: Int64 = 259_200_000
    package static let simulatedKeptMilliseconds: Int64 = 7_776_000_000
    package static let simulatedBanMillisecondsMin: Int64 = 120_000
    package static let simulatedBanMillisecondsMax: Int64 = 259_200_000
    package static let simulatedBodyBytesMax = 1 << 20
    package static let simulatedConnectionsMax = 1_024
    package static let simulatedHangMilliseconds: Int64 = 120_000
    package static let simulatedPingMilliseconds: Int64 = 180_000
    package static let simulatedPongMillisecondsMax: Int64 = 600_000
    package static let simulatedStreamMillisecondsMax: Int64 = 86_400_000
    package static let simulatedStreamMessagesPerSecondMax = 10
    package static let simulatedTickMilliseconds: Int64 = 10
    package static let simulatedDrainMillisecondsMax: Int64 = 5_000
}
