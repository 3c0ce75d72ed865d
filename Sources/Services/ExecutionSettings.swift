// The settings that execution's decisions use, as its policy.

package import Domain
internal import Events
internal import Records

extension Settings {
    package func execution(configSequence: UInt64) throws(SettingError) -> ExecutionPolicy {
        var policy = ExecutionPolicy()
        policy.account = try token("execution.account")
        policy.leverageMax = try integer("execution.leverage_max")
        guard (1...125).contains(policy.leverageMax) else {
            throw SettingError("execution.leverage_max", "1 to 125 is needed, found \(policy.leverageMax)")
        }
        policy.orderUSDMax = try optional("execution.order_usd_max")
        policy.positionUSDMax = try optional("execution.position_usd_max")
        let rate = text("execution.orders_per_minute_max")
        policy.ordersPerMinuteMax = rate.isEmpty ? nil : try integer("execution.orders_per_minute_max")
        policy.intentAgeMax = Int64(try integer("execution.intent_age_max_s")) * 1_000
        policy.horizonMargin = Int64(try integer("execution.horizon_margin_ms"))
        policy.orderWait = Int64(try integer("execution.order_wait_ms"))
        policy.pairExposureMax = Int64(try integer("execution.pair_exposure_max_ms"))
        let word = text("execution.severe_partial")
        guard let severe = ExecutionPolicy.SevereFill(rawValue: word) else {
            throw SettingError("execution.severe_partial", "close or leave is needed, found \"\(word)\"")
        }
        policy.severeFill = severe
        policy.configSequence = SequenceNumber(configSequence)
        return policy
    }

    package var executionInFlightMax: Int {
        get throws(SettingError) {
            let count = try integer("execution.in_flight_max")
            guard (1...256).contains(count) else {
                throw SettingError("execution.in_flight_max", "1 to 256 is needed, found \(count)")
            }
            return count
        }
    }

    package var feeds: FeedOptions {
        get throws(SettingError) {
            var options = FeedOptions()
            options.intervalMilliseconds = Int64(max(100, try integer("feeds.interval_ms")))
            options.streamLossMilliseconds = Int64(try integer("feeds.stream_loss_max_ms"))
            options.hasStream = try flag("feeds.stream")
            return options
        }
    }

    package var resume: ResumePolicy {
        get throws(SettingError) {
            var policy = ResumePolicy()
            policy.cooldownMilliseconds = Int64(min(try integer("resume.cooldown_s"), 1 << 40)) * 1_000
            policy.requiresFlat = try flag("resume.require_flat")
            return policy
        }
    }

    /// Empty: the Redis face has no users.
    package var respUsersPath: String { text("resp.users") }

    package var redisExact: Bool {
        get throws(SettingError) { try flag("redis.exact") }
    }

    /// Nothing is sent to a real exchange with a horizon that is shorter than what it takes to be sure.
    package func checkHorizon(isLoopback: Bool) throws(SettingError) {
        let margin = try integer("execution.horizon_margin_ms")
        guard isLoopback || margin >= Limits.horizonMarginMillisecondsMin else {
            throw SettingError(
                "execution.horizon_margin_ms",
                "\(Limits.horizonMarginMillisecondsMin) at least is needed beyond loopback, found \(margin)")
        }
    }

    private func optional(_ name: String) throws(SettingError) -> ExactDecimal? {
        let value = text(name)
        return value.isEmpty ? nil : try positive(name, value)
    }

    private func token(_ name: String) throws(SettingError) -> String {
        let value = text(name)
        guard (1...64).contains(value.utf8.count), value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x2f })
        else {
            throw SettingError(name, "1 to 64 printable characters without / are needed, found \"\(value)\"")
        }
        return value
    }
}
