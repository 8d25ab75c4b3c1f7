// SPDX-License-Identifier: GPL-3.0-or-later

/// The clients for which the site's OFFER is awaited: not too many, and not for long.
///
/// Time is given by whoever has a clock, counted from any one moment.
public struct ShadowWaits: Sendable {
  /// How a wait ended.
  public struct Outcome: Sendable, Hashable {
    /// Who waited.
    public var wait: ShadowWait
    /// What to do now; never `.keepWaiting`.
    public var step: ShadowWait.Step
  }

  /// The most that wait at once. A flood pushes out those that have waited longest: an OFFER comes at once or, from a
  /// server that tries the address first, after three seconds.
  public static let most = 1024
  /// OFFERs that may have been quicker than their DISCOVER: the kernel has both, and the order of reading is chance.
  static let mostEarly = 64
  static let earliness = Duration.seconds(1)

  private var waits: [Conversation: (wait: ShadowWait, until: Duration)] = [:]
  private var queue: ArraySlice<(key: Conversation, until: Duration)> = []
  private var early: ArraySlice<(key: Conversation, reply: DHCPPacket, at: Duration)> = []

  /// Nobody waits.
  public init() {}

  /// How many wait.
  public var count: Int { waits.count }

  /// Begins to wait, anew for a client that asks again.
  /// - Returns: what came of it at once, or of the one that had to make room.
  public mutating func add(_ wait: ShadowWait, at now: Duration) -> Outcome? {
    let key = Conversation(wait.request.packet, on: wait.request.arrival.interface)
    for (other, reply, at) in early where other == key && now - at <= Self.earliness {
      if let outcome = Self.outcome(of: wait, seeing: reply) {
        waits[key] = nil
        return outcome
      }
    }
    let crowdedOut = waits[key] == nil && waits.count >= Self.most ? dropOldest() : nil
    waits[key] = (wait, now + ShadowWait.patience)
    queue.append((key, now + ShadowWait.patience))
    return crowdedOut.map { Outcome(wait: $0, step: .giveUp(.crowded)) }
  }

  /// Takes a server's message that was seen on an interface; an outcome ends its wait.
  public mutating func see(_ reply: DHCPPacket, on interface: String, at now: Duration) -> Outcome? {
    let key = Conversation(reply, on: interface)
    guard let wait = waits[key]?.wait else {
      if early.count >= Self.mostEarly { early.removeFirst() }
      early.append((key, reply, now))
      return nil
    }
    guard let outcome = Self.outcome(of: wait, seeing: reply) else { return nil }
    waits[key] = nil
    return outcome
  }

  /// Ends the waits that were in vain.
  public mutating func expire(at now: Duration) -> [Outcome] {
    var ended: [Outcome] = []
    while let first = queue.first, first.until <= now {
      queue.removeFirst()
      guard let (wait, until) = waits[first.key], until <= now else { continue }
      waits[first.key] = nil
      ended.append(Outcome(wait: wait, step: .giveUp(.noOffer)))
    }
    return ended
  }

  private mutating func dropOldest() -> ShadowWait? {
    while let first = queue.popFirst() {
      // Who has asked again since, or was answered, stands elsewhere in the queue, or nowhere.
      guard let (wait, until) = waits[first.key], until == first.until else { continue }
      waits[first.key] = nil
      return wait
    }
    return nil
  }

  private static func outcome(of wait: ShadowWait, seeing reply: DHCPPacket) -> Outcome? {
    switch wait.step(seeing: reply) {
    case .keepWaiting: nil
    case let step: Outcome(wait: wait, step: step)
    }
  }
}
