// SPDX-License-Identifier: GPL-3.0-or-later

/// Who asks and from where, as far as it decides who is answered and with what. All of it is what a machine claims.
///
/// A DHCP packet tells all of it; a system that asks by HTTP for its admission tells its card and its identity, and what
/// kind of client started it is known only if its DHCP packets were seen.
public struct Claimant: Sendable, Hashable {
  /// Its card's address.
  public var hardware: HardwareAddress
  /// Its firmware's identity, if it has one.
  public var machine: MachineUUID?
  /// What started it; nil where that was not seen.
  public var kind: ClientKind?
  /// Our interface.
  public var interface: String
  /// An address of its subnet.
  public var link: IPv4Address
  /// The relay agent that its DHCP packets came through; `.any` on our own wire.
  public var relay: IPv4Address

  /// Somebody who asks.
  public init(
    hardware: HardwareAddress, machine: MachineUUID?, kind: ClientKind?, interface: String, link: IPv4Address,
    relay: IPv4Address = .any
  ) {
    (self.hardware, self.machine, self.kind) = (hardware, machine, kind)
    (self.interface, self.link, self.relay) = (interface, link, relay)
  }
}

extension BootRequest {
  /// Who asks.
  public var claimant: Claimant {
    Claimant(
      hardware: hardware, machine: machine, kind: kind, interface: arrival.interface, link: link, relay: packet.relay)
  }
}
