// The named values of the dead man's switch, of configuration and of the log's own kinds; see Listing.

import Records

extension EventHeartbeat {
    var listing: Listing {
        var list = Listing()
        list.text("service_id", serviceID)
        list.word("status", status)
        list.total("active_positions", activePositions)
        list.time("last_decision_at", lastDecisionAtNs)
        list.decimal("latency_ms", hasLatencyMs ? latencyMs : nil)
        list.time("produced_at", producedAtNs)
        return list
    }
}

extension EventPanicRequested {
    var listing: Listing {
        var list = Listing()
        list.text("event_id", eventID)
        list.text("reason", reason)
        list.text("issued_by", issuer)
        list.text("severity", severity)
        list.time("produced_at", producedAtNs)
        return list
    }
}

extension EventPanicRefused {
    var listing: Listing {
        var list = Listing()
        list.word("reason", reason)
        list.text("detail", detail)
        list.text("event_id", eventID)
        list.text("issued_by", issuer)
        list.time("produced_at", producedAtNs)
        return list
    }
}

extension EventPanicCompleted {
    var listing: Listing {
        var list = Listing()
        list.count("panic_sequence", panicSequence)
        list.text("event_id", eventID)
        list.total("positions_total", positionsTotal)
        list.total("positions_closed", positionsClosed)
        list.total("positions_failed", positionsFailed)
        list.add("failed_symbols", .list(failedSymbols))
        list.time("started_at", startedAtNs)
        list.time("completed_at", completedAtNs)
        list.total("execution_time_ms", executionTimeMs)
        return list
    }
}

extension EventHalt {
    var listing: Listing {
        var list = Listing()
        list.text("reason", reason)
        list.text("source", source)
        list.count("panic_sequence", panicSequence)
        return list
    }
}

extension EventResume {
    var listing: Listing {
        var list = Listing()
        list.word("scope", scope)
        list.text("operator", `operator`)
        list.text("reason", reason)
        list.text("symbol", symbol)
        list.count("ends_sequence", endsSequence)
        list.flag("override_cooldown", overrideCooldown)
        list.flag("accept_open_risk", acceptOpenRisk)
        return list
    }
}

extension EventReducingRaised {
    var listing: Listing {
        var list = Listing()
        list.text("cause", cause)
        list.text("detail", detail)
        return list
    }
}

extension EventReducingEnded {
    var listing: Listing {
        var list = Listing()
        list.text("cause", cause)
        list.text("evidence", evidence)
        return list
    }
}

extension EventConfigApplied {
    var listing: Listing {
        var list = Listing()
        let members = settings.map { setting in
            JSONMember(
                setting.name,
                .object([JSONMember("value", .string(setting.value)), JSONMember("source", .string(setting.source))]))
        }
        list.add("settings", .json(.object(members)))
        return list
    }
}

extension EventMessageRefused {
    var listing: Listing {
        var list = Listing()
        list.text("stream", stream)
        list.text("reason", reason)
        list.text("client", client)
        list.count("count", count)
        if !sample.isEmpty { list.add("sample", .bytes(Array(sample))) }
        return list
    }
}

extension EventSessionStarted {
    var listing: Listing {
        var list = Listing()
        list.text("boot_id", bootID)
        list.text("host", host)
        list.count("pid", pid)
        list.text("version", version)
        return list
    }
}

extension EventStreamCreated {
    var listing: Listing {
        var list = Listing()
        list.count("number", number)
        list.text("name", name)
        return list
    }
}

extension EventConflict {
    /// The offered body stands here only as its digest; it may be large.
    var listing: Listing {
        var list = Listing()
        list.text("key", key)
        list.count("first_sequence", firstSequence)
        list.text("offered_content", Hex.encode(Array(offeredContent)))
        return list
    }
}

extension EventStreamHidden {
    var listing: Listing {
        var list = Listing()
        list.text("stream", stream)
        if !entryIds.isEmpty { list.add("entry_ids", .list(entryIds)) }
        list.text("before_id", beforeID)
        return list
    }
}

extension Event {
    var listing: Listing {
        switch self {
        case .sessionStarted(let message): message.listing
        case .streamCreated(let message): message.listing
        case .conflict(let message): message.listing
        case .streamHidden(let message): message.listing
        case .groupChanged(let message): message.listing
        case .logRestored(let message): message.listing
        case .untyped: Listing()
        case .configApplied(let message): message.listing
        case .messageRefused(let message): message.listing
        case .evidence(let message): message.listing
        case .stateDigest(let message): message.listing
        case .decision(let message): message.listing
        case .decisionRefused(let message): message.listing
        case .tradeIntent(let message): message.listing
        case .executionResult(let message): message.listing
        case .orderRequested(let message): message.listing
        case .orderOutcome(let message): message.listing
        case .fill(let message): message.listing
        case .fillDetail(let message): message.listing
        case .positionAttested(let message): message.listing
        case .heartbeat(let message): message.listing
        case .panicRequested(let message): message.listing
        case .panicRefused(let message): message.listing
        case .panicCompleted(let message): message.listing
        case .halt(let message): message.listing
        case .resume(let message): message.listing
        case .reducingRaised(let message): message.listing
        case .reducingEnded(let message): message.listing
        }
    }
}
