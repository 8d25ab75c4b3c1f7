// SPDX-License-Identifier: GPL-3.0-or-later

/// How a packet came in, as the service saw it.
public struct Arrival: Sendable, Hashable {
  /// The network interface.
  public var interface: String
  /// Our address on that interface; clients are told this one.
  public var server: IPv4Address
  /// Where it came from.
  public var source: IPv4Address
  /// The port that it came from.
  public var sourcePort: UInt16

  /// How it came in.
  public init(interface: String, server: IPv4Address, source: IPv4Address, sourcePort: UInt16) {
    self.interface = interface
    self.server = server
    self.source = source
    self.sourcePort = sourcePort
  }
}

/// The two ports that clients ask.
public enum Plane: UInt16, Sendable, CaseIterable {
  /// 67, where every DHCP client broadcasts.
  case dhcp = 67
  /// 4011, where a PXE client asks one boot server for its boot file (PXE 2.1 §2.2.3).
  case bootServer = 4011
}

/// A packet of a client that wants to start from the network: what it is, and where it is.
///
/// All of it is what the client claims. Nothing here proves an identity.
public struct BootRequest: Sendable, Hashable {
  /// The packet.
  public let packet: DHCPPacket
  /// How it came in.
  public let arrival: Arrival
  /// What it says.
  public let messageType: DHCPMessageType
  /// What the client is.
  public let kind: ClientKind
  /// Its firmware's identity, if it has one.
  public let machine: MachineUUID?
  /// What its relay agent said.
  public let relayInformation: RelayAgentInformation?

  /// Most relay agents that a packet may have passed (RFC 1542 §4.1.1); more means that it goes round in a loop.
  public static let mostHops: UInt8 = 16

  /// Its card's address. With EDK2's `SendGUID` set these are the UUID's 16 bytes instead (PxeBcDhcp4.c).
  public var hardware: HardwareAddress { packet.hardware }

  /// Whether a relay agent brought it, so that it is on another segment.
  public var isRelayed: Bool { packet.relay != .any }

  /// An address of the client's subnet: as the relay agent says, else our own on that interface.
  public var link: IPv4Address {
    relayInformation?.link ?? (isRelayed ? packet.relay : arrival.server)
  }

  /// Reads who asks.
  /// - Throws: `IgnoreReason`: it is no client that starts from the network, or not to be trusted.
  public init(_ packet: DHCPPacket, arrival: Arrival) throws(IgnoreReason) {
    guard packet.operation == .request else { throw .notARequest }
    guard let messageType = packet.messageType else { throw .noMessageType }
    guard let vendorClass = packet.options.text(.vendorClass),
      let bootProtocol = ClientKind.BootProtocol(vendorClass: vendorClass)
    else { throw .notNetboot(vendorClass: packet.options.text(.vendorClass).map { printable($0) }) }
    try Self.check(packet, arrival)
    let architectures = packet.architectures
    guard !architectures.isEmpty else { throw .noArchitecture }
    let isIPXE = packet.options[.userClass].map { UserClass(parsing: $0).isIPXE } ?? false
    // An iPXE without HTTP is served as the firmware below it: it starts GRUB as any PXE ROM does.
    let hasHTTP = packet.options[.ipxe].map { IPXEFeatures(parsing: $0).http } ?? false
    guard let kind = ClientKind(bootProtocol, architectures: architectures, isIPXE: isIPXE && hasHTTP) else {
      throw .unsupportedArchitecture(architectures)
    }
    self.packet = packet
    self.arrival = arrival
    self.messageType = messageType
    self.kind = kind
    machine = packet.machine
    relayInformation = packet.options[.relayAgentInformation].map { RelayAgentInformation(parsing: $0) }
  }

  /// Whether the packet can be what it says it is.
  private static func check(_ packet: DHCPPacket, _ arrival: Arrival) throws(IgnoreReason) {
    let isGUID = packet.hardware.type == 1 && packet.hardware.bytes.count == 16
    let isOther = packet.hardware.type != 1 && !packet.hardware.bytes.isEmpty
    guard packet.hardware.isEthernetUnicast || isGUID || isOther else { throw .noHardwareAddress(packet.hardware) }
    guard packet.hops <= mostHops else { throw .relayLoop(hops: packet.hops) }
    guard packet.relay != .any else { return }
    guard packet.relay != arrival.server else { throw .relayIsThisServer(packet.relay) }
    guard packet.relay.isUnicast else { throw .relayAddress(packet.relay) }
  }
}
