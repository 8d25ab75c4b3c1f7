// SPDX-License-Identifier: GPL-3.0-or-later

/// An IPv4 address.
public struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The address as a number: `10.0.0.1` is `0x0a000001`.
  public var value: UInt32

  /// Wraps a number.
  public init(_ value: UInt32) { self.value = value }

  /// Reads `10.66.0.2`: four decimal numbers without leading zeros, nothing else; nil for other text.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var value: UInt32 = 0
    for part in parts {
      guard let number = UInt8(part), String(number) == part else { return nil }
      value = value << 8 | UInt32(number)
    }
    self.value = value
  }

  /// Reads four bytes; nil for another count.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 4 else { return nil }
    value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// `0.0.0.0`.
  public static let any = IPv4Address(0)
  /// `255.255.255.255`.
  public static let broadcast = IPv4Address(.max)

  /// The four bytes.
  public var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) } }

  /// Whether one host can have it: not 0.0.0.0/8, 127.0.0.0/8, multicast, reserved or broadcast.
  public var isUnicast: Bool {
    let first = value >> 24
    return first != 0 && first != 127 && first < 224
  }

  /// `10.66.0.2`.
  public var description: String { bytes.map(String.init).joined(separator: ".") }
  /// Orders by number.
  public static func < (a: IPv4Address, b: IPv4Address) -> Bool { a.value < b.value }
}

/// A range of IPv4 addresses that share a prefix.
public struct IPv4Subnet: Sendable, Hashable, CustomStringConvertible {
  /// The first address.
  public let network: IPv4Address
  /// How many leading bits all addresses share, 0 to 32.
  public let prefixLength: Int

  /// The subnet that holds an address; nil for a prefix that is not 0 to 32.
  public init?(_ address: IPv4Address, prefixLength: Int) {
    guard (0...32).contains(prefixLength) else { return nil }
    self.prefixLength = prefixLength
    network = IPv4Address(address.value & Self.mask(prefixLength))
  }

  /// Reads `10.66.0.0/24`; host bits must be zero, since a subnet with host bits is usually a slip.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPv4Address(parts[0]), let length = Int(parts[1]), String(length) == parts[1],
      let subnet = IPv4Subnet(address, prefixLength: length), subnet.network == address
    else { return nil }
    self = subnet
  }

  private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : .max << UInt32(32 - length) }

  /// The mask: `255.255.255.0` for a prefix of 24.
  public var mask: IPv4Address { IPv4Address(Self.mask(prefixLength)) }
  /// The last address.
  public var broadcast: IPv4Address { IPv4Address(network.value | ~mask.value) }
  /// Whether an address lies in it.
  public func contains(_ address: IPv4Address) -> Bool { address.value & mask.value == network.value }
  /// `10.66.0.0/24`.
  public var description: String { "\(network)/\(prefixLength)" }
}
