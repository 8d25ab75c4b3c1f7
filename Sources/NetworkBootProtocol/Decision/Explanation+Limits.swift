// SPDX-License-Identifier: GPL-3.0-or-later

/// A wire of ours, for `explanations`.
public struct OwnWire: Sendable, Hashable {
  /// Our interface.
  public var interface: String
  /// Our address there.
  public var server: IPv4Address

  /// A wire that is served.
  public init(interface: String, server: IPv4Address) { (self.interface, self.server) = (interface, server) }
}

// What takes away from what a kind of client would be given: other servers, deaf interfaces, the policy.
extension ServerView {
  /// Why nobody on a wire of ours is told a boot file there.
  private func obstacle(on wire: OwnWire) -> IgnoreReason? {
    switch mode {
    case .site: return nil
    case .full:
      let other = seen.first { $0.interface == wire.interface && $0.givesAddresses }
      if let other { return .otherServer(other) }
    case .proxy: break
    }
    return rival(on: wire.interface, own: wire.server).map { .yields(to: $0) }
  }

  /// Throws where no wire is left.
  func checkRivals(on wires: [OwnWire]) throws(IgnoreReason) {
    let obstacles = wires.compactMap { obstacle(on: $0) }
    if let first = obstacles.first, obstacles.count == wires.count { throw first }
  }

  /// Whether nobody is overheard on any wire.
  func isDeaf(on wires: [OwnWire]) -> Bool {
    !wires.isEmpty && wires.allSatisfy { deaf.contains($0.interface) }
  }

  /// The answers of the rules that anybody can come under; those behind one that holds everywhere are never reached.
  var policiesThatHold: Set<PolicyRule.Policy> {
    guard let last = policies.firstIndex(where: { $0.place == Place() }) else {
      return Set(policies.map(\.policy) + [policy])
    }
    return Set(policies[...last].map(\.policy))
  }

  /// In mode `full` an address is given all the same, but not beside another server that gives some.
  func answerWithoutFile(because reason: IgnoreReason) -> String {
    if case .otherServer = reason { return "No answer." }
    return mode == .full ? "An address of this server's pool, and no boot file." : "No answer."
  }

  /// Says where it does not hold, and for whom.
  func restrict(_ explanation: inout Explanation, on wires: [OwnWire]) {
    for wire in wires {
      guard let obstacle = obstacle(on: wire) else { continue }
      explanation.notes.append("Not on \(wire.interface): \(obstacle.message).")
    }
    if explanation.kind == .x64PXE, mode == .proxy, shadow != .never { noteDeafness(in: &explanation, on: wires) }
    let answers = policiesThatHold
    if answers.count > 1 { explanation.notes.append("Not the same everywhere: the policy says who is answered where.") }
    switch answers.max(by: { $0.reach < $1.reach }) {
    case .known:
      if explanation.verdict == .boots { explanation.verdict = .bootsIfKnown }
      explanation.notes.append("Only a computer that is known goes on.")
    case .approve:
      if explanation.verdict == .boots { explanation.verdict = .bootsIfApproved }
      explanation.notes.append("Once somebody has approved the computer; it waits until then.")
    case .none?, .all, nil: break
    }
  }

  private func noteDeafness(in explanation: inout Explanation, on wires: [OwnWire]) {
    if isDeaf(on: wires), explanation.verdict == .failsAtOnce {
      explanation.reason =
        "The shadow reply needs other servers to be overheard (port 68): the firmware's HTTP entry is the way."
      explanation.notes = []
    } else {
      for wire in wires where deaf.contains(wire.interface) {
        explanation.notes.append("Not on \(wire.interface): other servers are not overheard there (port 68).")
      }
    }
  }
}

extension PolicyRule.Policy {
  /// How many it lets in, in comparison.
  fileprivate var reach: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
