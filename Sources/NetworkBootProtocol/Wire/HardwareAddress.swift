// SPDX-License-Identifier: GPL-3.0-or-later

/// The address of a network card: type and up to 16 bytes, as in `htype` and `chaddr` (RFC 2131 §2).
public struct HardwareAddress: Sendable, Hashable, CustomStringConvertible {
  /// The kind of network, by the numbers of ARP: 1 is Ethernet.
  public var type: UInt8
  /// The bytes, at most 16.
  public var bytes: [UInt8]

  /// The most bytes that a packet has room for.
  public static let longest = 16

  /// Wraps bytes; nil for more than 16.
  public init?(type: UInt8 = 1, bytes: [UInt8]) {
    guard bytes.count <= Self.longest else { return nil }
    self.type = type
    self.bytes = bytes
  }

  /// Reads an Ethernet address, six numbers with colons or hyphens: `52:54:00:12:34:56`.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "-" }
    let bytes = parts.compactMap { $0.utf8.count == 2 && $0.first != "+" ? UInt8($0, radix: 16) : nil }
    guard parts.count == 6, bytes.count == 6 else { return nil }
    self.init(bytes: bytes)
  }

  /// Whether a single card can have it: Ethernet, six bytes, not all zero, no group address.
  public var isEthernetUnicast: Bool {
    type == 1 && bytes.count == 6 && bytes.contains { $0 != 0 } && bytes[0] & 1 == 0
  }

  /// `52:54:00:12:34:56`.
  public var description: String { bytes.isEmpty ? "no hardware address" : hexadecimal(bytes, separator: ":") }
}

/// The identity that a computer's firmware claims for it, from option 97 (RFC 4578 §2.3) or SMBIOS.
///
/// The first three fields have no agreed byte order on the wire: EDK2 copies the bytes of SMBIOS, where they are
/// little-endian (PxeBcDhcp4.c, `NetLibGetSystemGuid`), iPXE sends them in network order (smbios_settings.c). Two
/// values are therefore the same machine when they are equal in either order.
public struct MachineUUID: Sendable, Hashable, CustomStringConvertible {
  /// The 16 bytes in the order in which the text names them.
  public let bytes: [UInt8]

  /// Wraps 16 bytes in the order of the text; nil for another count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    self.bytes = Array(bytes)
  }

  /// Reads `4c4c4544-0042-3510-8054-b4c04f4d3732`, with either case of letters.
  public init?(_ text: some StringProtocol) {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    let digits = Array(groups.joined().utf8)
    guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12], digits.count == 32 else { return nil }
    let bytes = stride(from: 0, to: 32, by: 2).compactMap { index -> UInt8? in
      let pair = String(decoding: digits[index...index + 1], as: UTF8.self)
      return pair.first == "+" ? nil : UInt8(pair, radix: 16)
    }
    self.init(bytes: bytes)
  }

  /// The same with the first three fields in the other byte order.
  public var swapped: MachineUUID {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    return MachineUUID(bytes: order.map { bytes[$0] }) ?? self
  }

  /// Whether both name one machine, whichever byte order each was sent in.
  public func isSameMachine(as other: MachineUUID) -> Bool { self == other || self == other.swapped }

  /// Whether it names any machine: all zeros and all ones are what boards have whose maker set none.
  public var isSet: Bool { bytes.contains { $0 != 0 } && bytes.contains { $0 != 0xff } }

  /// `4c4c4544-0042-3510-8054-b4c04f4d3732`.
  public var description: String {
    [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { hexadecimal(bytes[$0]) }.joined(separator: "-")
  }
}
