// SPDX-License-Identifier: GPL-3.0-or-later

/// What packets of one exchange have in common: the wire, the client's card and the number that it chose.
public struct Conversation: Sendable, Hashable {
  /// Our interface.
  public let interface: String
  /// `xid`.
  public let transaction: UInt32
  /// The client's card.
  public let hardware: HardwareAddress

  /// The conversation of a packet that was seen on an interface.
  public init(_ packet: DHCPPacket, on interface: String) {
    self.interface = interface
    transaction = packet.transaction
    hardware = packet.hardware
  }
}
