// SPDX-License-Identifier: GPL-3.0-or-later

/// What to do about a packet.
///
///     DISCOVER ──▶ decide ──▶ .answer   send it, after its delay, unless it is overtaken
///                        ├──▶ .shadow   send nothing; give the wait every OFFER that is seen, until its patience ends
///                        └──▶ .ignore   send nothing; the reason has words
public enum Decision: Sendable, Hashable {
  /// Send this.
  case answer(Answer)
  /// Wait for the site's OFFER.
  case shadow(ShadowWait)
  /// Do nothing, and log why.
  case ignore(IgnoreReason)
}

/// A packet to send, and what it means.
public struct Answer: Sendable, Hashable {
  /// The packet.
  public var packet: DHCPPacket
  /// Where to.
  public var destination: Destination
  /// How long to wait before, so that another server may be first.
  public var delay: Duration
  /// What the client is given.
  public var grant: Grant
  /// The most bytes that the client takes.
  public var limit: Int

  /// Where a packet goes, always out of one interface.
  public enum Destination: Sendable, Hashable, CustomStringConvertible {
    /// To 255.255.255.255.
    case broadcast(port: UInt16, interface: String)
    /// To one address.
    case unicast(IPv4Address, port: UInt16, interface: String)

    /// `10.66.0.9 port 4011 on eth0`.
    public var description: String {
      switch self {
      case .broadcast(let port, let interface): "everybody's port \(port) on \(interface)"
      case .unicast(let address, let port, let interface): "\(address) port \(port) on \(interface)"
      }
    }
  }

  /// The packet's bytes.
  /// - Throws: `.answerTooLong`, which `decide` has looked for already.
  public func bytes() throws(NetworkBootProtocolFailure) -> [UInt8] { try packet.serialised(limit: limit) }

  /// Whether another server's answer to the same client, seen during the delay, makes this one superfluous.
  public func isOvertaken(by reply: DHCPPacket, on interface: String, own: IPv4Address) -> IgnoreReason? {
    guard reply.transaction == packet.transaction, reply.hardware == packet.hardware,
      let server = SeenServer(observing: reply, on: interface, own: own), server.hasPriority(over: own)
    else { return nil }
    return .yields(to: server)
  }
}

/// What a client is given, for the log, the audit and the list of machines.
public struct Grant: Sendable, Hashable {
  /// What the client is.
  public var kind: ClientKind
  /// Whether it may have its image now.
  public var admission: Admission
  /// What it is told to load.
  public var file: File

  /// Whether a machine may have its image.
  public enum Admission: String, Sendable {
    /// It may.
    case admitted
    /// Somebody has to approve it first. It loads its boot loader, and waits there with its number on the screen.
    case pending
  }

  /// What a client is told to load.
  public enum File: Sendable, Hashable {
    /// A file of an image.
    case loader(BootLoader, ObjectName, image: String)
    /// A name that no server has, so that the firmware gives PXE up at once and comes to its HTTP entry.
    case absent(ObjectName)
  }
}

/// A server that answers clients on a wire, as its packets showed it.
public struct SeenServer: Sendable, Hashable, CustomStringConvertible {
  /// What a server is for.
  public enum Role: String, Sendable {
    /// It gives addresses.
    case dhcp
    /// It boots machines: WDS, another proxy, or a DHCP server that names a boot file.
    case boot
    /// It is another Lifeboat.
    case lifeboat
  }

  /// Its address, as it says (option 54), else `siaddr`.
  public var address: IPv4Address
  /// What it does.
  public var role: Role
  /// Where it was seen.
  public var interface: String
  /// Whether it gives addresses.
  public var givesAddresses: Bool

  /// A server that is known.
  public init(address: IPv4Address, role: Role, interface: String, givesAddresses: Bool = false) {
    self.address = address
    self.role = role
    self.interface = interface
    self.givesAddresses = givesAddresses
  }

  /// Learns from a server's message; nil for our own messages and for those that name no server.
  ///
  /// A Lifeboat is known by option 224. Its shadow reply has no room for that, but its form is unmistakable: an answer
  /// without a message type that names its server in option 54, as plain BOOTP never does.
  public init?(observing reply: DHCPPacket, on interface: String, own: IPv4Address) {
    let named = reply.options.address(.serverIdentifier)
    let address = named ?? reply.nextServer
    guard reply.operation == .reply, address != own, address.isUnicast else { return nil }
    let isShadow = reply.options[.messageType] == nil && named != nil
    let vendorClass = reply.options.text(.vendorClass) ?? []
    let boots = reply.bootFileName != nil || ClientKind.BootProtocol(vendorClass: vendorClass) != nil
    let isLifeboat = isShadow || reply.options[.lifeboat] != nil
    let gives = reply.yourAddress.isUnicast && (reply.messageType == .offer || reply.messageType == .ack)
    self.init(
      address: address, role: isLifeboat ? .lifeboat : boots ? .boot : .dhcp, interface: interface,
      givesAddresses: gives)
  }

  /// Whether we keep silent where it answers.
  ///
  /// What an administrator has set up already goes first. Of two Lifeboats the one with the lower address answers; a
  /// rule that both know, because else each would be silent for the other's sake.
  public func hasPriority(over own: IPv4Address) -> Bool {
    switch role {
    case .dhcp: false
    case .boot: true
    case .lifeboat: address < own
    }
  }

  /// `the boot server 10.66.0.7`.
  public var description: String {
    switch role {
    case .dhcp: "the DHCP server \(address)"
    case .boot: "the boot server \(address)"
    case .lifeboat: "another Lifeboat, \(address),"
    }
  }
}
