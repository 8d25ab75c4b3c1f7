// SPDX-License-Identifier: GPL-3.0-or-later

/// Everything that decisions are made from: what the administrator set, and what is known of machines and servers.
///
/// The service makes a new one when something changes; `decide(_:at:)` only reads.
public struct ServerView: Sendable, Hashable {
  /// How the server stands beside the site's DHCP.
  public enum Mode: String, Sendable, CaseIterable {
    /// Beside the site's DHCP server, which is not touched: answers say what to load, never an address.
    case proxy
    /// The site's DHCP server names us and the boot file; port 67 stays silent.
    case site
    /// We are the only DHCP server of the wire, see `AddressServer`.
    case full
  }

  /// Whether x64 UEFI's PXE may be answered in the shape of BOOTP, see `ShadowWait`.
  public enum Shadow: String, Sendable, CaseIterable {
    /// No: PXE fails at once, so that the firmware comes to its HTTP entry.
    case never
    /// Yes, and nothing is said in the client's name.
    case reply
    /// Yes, and the offered address is requested in the client's name, so that nobody else gets it.
    case commit
  }

  /// Where UEFI firmware gets the name of its PXE boot file.
  public enum UEFINaming: String, Sendable, CaseIterable {
    /// In the OFFER, with option 43 = 06 01 08 ff: one step. Measured with OVMF.
    case inOffer
    /// On port 4011, after an OFFER without option 43: what pixiecore does, for firmware that ignores the other.
    case atBootServer
  }

  /// How the server stands beside the site's DHCP.
  public var mode = Mode.proxy
  /// Whether the shadow reply may be used.
  public var shadow = Shadow.never
  /// Where UEFI firmware gets the name of its PXE boot file.
  public var uefiNaming = UEFINaming.inOffer
  /// Whether offers carry Lifeboat's name (option 224), so that two of them know each other.
  public var marksOffers = true
  /// Whether other boot servers on the wire have priority.
  public var yields = true
  /// The port of our HTTP server.
  public var httpPort: UInt16 = 80
  /// Who is answered where; the first rule that fits a place counts.
  public var policies: [PolicyRule] = []
  /// Who is answered where no rule fits.
  public var policy = PolicyRule.Policy.all
  /// Machines that somebody has named; the first that fits counts.
  public var machines: [KnownMachine] = []
  /// Which image a machine gets, if its own entry has none; the first that fits counts.
  public var assignments: [ImageAssignment] = []
  /// The image of all others.
  public var defaultImage: String?
  /// The images of the set, each with the names of its boot files.
  public var images: [String: [BootLoader: ObjectName]] = [:]
  /// Servers that were seen lately. How long that is, is for the service to know, which has a clock.
  public var seen: [SeenServer] = []
  /// Interfaces where other servers are not overheard, so that there can be no shadow reply.
  public var deaf: Set<String> = []

  /// A server with nothing set.
  public init() {}
}

/// Some part of the network; what is nil does not matter.
public struct Place: Sendable, Hashable {
  /// Our interface.
  public var interface: String?
  /// The client's subnet.
  public var subnet: IPv4Subnet?
  /// The relay agent, as in `giaddr`.
  public var relay: IPv4Address?

  /// A place; everywhere without arguments.
  public init(interface: String? = nil, subnet: IPv4Subnet? = nil, relay: IPv4Address? = nil) {
    self.interface = interface
    self.subnet = subnet
    self.relay = relay
  }

  /// Whether a client is there.
  public func contains(_ claimant: Claimant) -> Bool {
    (interface ?? claimant.interface) == claimant.interface && (subnet?.contains(claimant.link) ?? true)
      && (relay ?? claimant.relay) == claimant.relay
  }
}

/// Who is answered in a place, in WDS's words.
public struct PolicyRule: Sendable, Hashable {
  /// Who is answered.
  public enum Policy: String, Sendable, CaseIterable {
    /// Nobody.
    case none
    /// Machines that somebody has named.
    case known
    /// Everybody; those that nobody has named wait until somebody approves them.
    case approve
    /// Everybody.
    case all
  }

  /// Where it holds.
  public var place: Place
  /// Who is answered.
  public var policy: Policy
  /// How long after a client began it is answered at the earliest, so that another server may be first.
  public var delay: Duration

  /// A rule.
  public init(_ policy: Policy, at place: Place = Place(), delay: Duration = .zero) {
    self.policy = policy
    self.place = place
    self.delay = delay
  }
}

/// Which machine is meant: all that is not nil has to fit. Both are what a machine claims, and prove nothing.
public struct MachineMatch: Sendable, Hashable {
  /// Its network card.
  public var hardware: HardwareAddress?
  /// Its firmware's identity, in either byte order.
  public var machine: MachineUUID?

  /// A machine by its card, its UUID or both.
  public init(hardware: HardwareAddress? = nil, machine: MachineUUID? = nil) {
    self.hardware = hardware
    self.machine = machine
  }

  /// Whether a client is that machine; without anything to compare it is nobody.
  public func fits(_ claimant: Claimant) -> Bool {
    guard hardware != nil || machine != nil else { return false }
    if let hardware, hardware != claimant.hardware { return false }
    guard let machine else { return true }
    return claimant.machine.map { machine.isSameMachine(as: $0) } ?? false
  }
}

/// A machine that somebody has named.
public struct KnownMachine: Sendable, Hashable {
  /// What was said about it.
  public enum Standing: String, Sendable, CaseIterable, Codable {
    /// It is known or approved.
    case known
    /// It is never answered.
    case denied
  }

  /// Which machine.
  public var match: MachineMatch
  /// What was said about it.
  public var standing: Standing
  /// Its image; nil for the one that `assignments` give it.
  public var image: String?

  /// A machine.
  public init(_ match: MachineMatch, _ standing: Standing = .known, image: String? = nil) {
    self.match = match
    self.standing = standing
    self.image = image
  }
}

/// Which image some machines get.
public struct ImageAssignment: Sendable, Hashable {
  /// Which machine; nil for all.
  public var match: MachineMatch?
  /// Where.
  public var place: Place
  /// Which kinds of client; nil for all.
  public var kinds: Set<ClientKind>?
  /// The image.
  public var image: String

  /// An assignment.
  public init(_ image: String, to match: MachineMatch? = nil, at place: Place = Place(), kinds: Set<ClientKind>? = nil)
  {
    self.image = image
    self.match = match
    self.place = place
    self.kinds = kinds
  }

  /// Whether it is meant for a client.
  public func fits(_ claimant: Claimant) -> Bool {
    (match?.fits(claimant) ?? true) && place.contains(claimant)
      && (kinds.map { kinds in claimant.kind.map { kinds.contains($0) } ?? false } ?? true)
  }
}
