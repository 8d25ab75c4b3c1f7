// SPDX-License-Identifier: GPL-3.0-or-later
internal import NIOCore
internal import Synchronization

/// Hands events on, one after the other, and cuts floods of refusals short: strangers decide how many there are.
final class EventLog: Sendable {
  private struct State {
    var gate = TokenBucket(rate: 10, burst: 50)
    var untold = 0
    var refusals: [ServiceEvent.Kind: Int] = [:]
  }

  private let state = Mutex(State())
  private let handler: @Sendable (ServiceEvent) -> Void

  init(_ handler: @escaping @Sendable (ServiceEvent) -> Void) { self.handler = handler }

  /// How many refusals there were, those included that were not told.
  var refusals: [ServiceEvent.Kind: Int] { state.withLock { $0.refusals } }

  /// Hands an event on, unless it is one refusal too many.
  func say(_ event: ServiceEvent) {
    // The lock is held while the handler runs, so that events keep their order.
    state.withLock { state in
      guard event.weight == .refusal else { return handler(event) }
      state.refusals[event.event, default: 0] += 1
      guard state.gate.take(at: .now()) else {
        state.untold += 1
        return
      }
      if state.untold > 0 {
        handler(ServiceEvent(event.event, .refusal, "\(state.untold) more refusals were not logged one by one"))
        state.untold = 0
      }
      handler(event)
    }
  }
}

/// So many a second, and a few at once.
struct TokenBucket: Sendable {
  private let rate: Double
  private let burst: Double
  private var tokens: Double
  private var last: NIODeadline?

  init(rate: Double, burst: Double) {
    (self.rate, self.burst) = (rate, burst)
    tokens = burst
  }

  /// Whether one more is allowed now.
  mutating func take(at now: NIODeadline) -> Bool {
    if let last { tokens = min(burst, tokens + Double((now - last).nanoseconds) * 1e-9 * rate) }
    last = now
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}

/// A bucket for each key, and one for all of them together; the number of keys is bounded.
struct RateGate<Key: Hashable & Sendable>: Sendable {
  private let rate: Double
  private let burst: Double
  private var all: TokenBucket
  private var buckets: [Key: TokenBucket] = [:]
  private let mostKeys = 4096

  init(rate: Double, burst: Double, rateOfAll: Double) {
    (self.rate, self.burst) = (rate, burst)
    all = TokenBucket(rate: rateOfAll, burst: rateOfAll)
  }

  /// Whether one more of this key is allowed now.
  mutating func take(_ key: Key, at now: NIODeadline) -> Bool {
    // Keys are what strangers claim. Forgetting all of them at once costs nothing but a few answers.
    if buckets.count >= mostKeys, buckets[key] == nil { buckets.removeAll(keepingCapacity: true) }
    guard buckets[key, default: TokenBucket(rate: rate, burst: burst)].take(at: now) else { return false }
    return all.take(at: now)
  }
}
