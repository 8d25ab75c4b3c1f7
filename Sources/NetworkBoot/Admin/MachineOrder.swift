// SPDX-License-Identifier: GPL-3.0-or-later
internal import SystemPackage
internal import Synchronization
internal import BootSite
internal import HostSystem
internal import NetworkBootPolicy
internal import NetworkBootProtocol

/// What an administrator may say about a machine.
public enum MachineOrder: Sendable, Hashable {
  /// It is known from now on, and goes on if it waits.
  case approve(String)
  /// It is never answered, and stops if it waits.
  case deny(String)
  /// It has an image of its own.
  case assign(String, image: String)
  /// Nothing is known about it.
  case forget(String)

  /// The word in the admin plane's paths.
  var word: String {
    switch self {
    case .approve: "approve"
    case .deny: "deny"
    case .assign: "assign"
    case .forget: "forget"
    }
  }

  /// Who is meant: a number, a MAC or a UUID.
  var machine: String {
    switch self {
    case .approve(let machine), .deny(let machine), .assign(let machine, _), .forget(let machine): machine
    }
  }

  /// The image of `assign`.
  var image: String? { if case .assign(_, let image) = self { image } else { nil } }

  init?(word: String, machine: String, image: String?) {
    switch (word, image) {
    case ("approve", nil): self = .approve(machine)
    case ("deny", nil): self = .deny(machine)
    case ("forget", nil): self = .forget(machine)
    case ("assign", let image?): self = .assign(machine, image: image)
    default: return nil
    }
  }
}

/// What an order has done.
public struct MachineOutcome: Sendable, Hashable, Codable {
  /// Its card's address, if that is how it is meant.
  public var mac: String?
  /// Its UUID, if that is how it is meant.
  public var uuid: String?
  /// A sentence.
  public var message: String
}

extension MachineDesk {
  /// Does what an administrator says. It holds when this returns, and after the service was started anew; or nothing has
  /// changed. It writes to the disk.
  /// - Parameter by: who it is, for the record.
  /// - Throws: `NetworkBootPolicyFailure`, `OperationFailure`.
  func follow(_ order: MachineOrder, by: String) throws -> MachineOutcome {
    // One after the other, so that what is on the disk is what holds.
    try following.withLock { _ in
      let (before, policy, images) = state.withLock {
        ($0.register, $0.policy?.policy ?? BootPolicy(), $0.set.index.images.map(\.name))
      }
      if let image = order.image, !images.contains(image) {
        throw NetworkBootPolicyFailure.noSuchImage(image, names: images)
      }
      let match = try before.match(order.machine)
      let now = Timestamp.seconds()
      func apply(to register: inout MachineRegister) throws(NetworkBootPolicyFailure) {
        switch order {
        case .approve: try register.set(.known, of: match, policy: policy, by: by, at: now)
        case .deny: try register.set(.denied, of: match, policy: policy, by: by, at: now)
        case .assign(_, let image): try register.assign(image, to: match, policy: policy, by: by, at: now)
        case .forget: try register.forget(match)
        }
      }
      var after = before
      try apply(to: &after)
      if after.kept != before.kept { try store?.write(after.kept) }
      try state.withLock { state in
        // Machines may have come and gone meanwhile.
        try state.change { try apply(to: &$0.register) }
      }
      let outcome = MachineOutcome(order, match)
      events.say(.init(.admin, client: match.words, name: order.image, "\(outcome.message), says \(by)"))
      audit?.record(
        .init(event: order.word, by: by, mac: outcome.mac, uuid: outcome.uuid, name: order.image))
      return outcome
    }
  }
}

extension MachineOutcome {
  fileprivate init(_ order: MachineOrder, _ match: MachineMatch) {
    (mac, uuid) = (match.hardware?.description, match.machine?.description)
    message =
      switch order {
      case .approve: "\(match.words) is known from now on"
      case .deny: "\(match.words) is denied from now on"
      case .assign(_, let image): "\(match.words) has image \(image) from now on"
      case .forget: "\(match.words) is forgotten"
      }
  }
}
