// SPDX-License-Identifier: GPL-3.0-or-later

/// Options inside an option: number, length, value, and so on (RFC 2132 §8.4).
///
/// PXE's (option 43), iPXE's (175) and a relay agent's (82) are all of this shape.
public struct SubOptions: Sendable, Hashable {
  /// One of them.
  public struct Entry: Sendable, Hashable {
    /// Its number.
    public var code: UInt8
    /// Its value.
    public var value: [UInt8]

    /// A number and a value.
    public init(_ code: UInt8, _ value: [UInt8]) {
      self.code = code
      self.value = value
    }
  }

  /// All of them, in order.
  public var entries: [Entry] = []

  /// A list of them.
  public init(_ entries: [Entry] = []) { self.entries = entries }

  /// Reads them up to the end (255) or the last whole one; what follows a broken length is left out.
  /// - Parameter padded: whether 0 is padding, as in PXE's; in a relay agent's list nothing is (RFC 3046 §2.0).
  public init(parsing bytes: [UInt8], padded: Bool = true) {
    var reader = ByteReader(bytes)
    while let code = reader.byte() {
      if padded, code == 0 { continue }
      if padded, code == 255 { return }
      guard let length = reader.byte(), let value = reader.bytes(Int(length)) else { return }
      entries.append(Entry(code, Array(value)))
    }
  }

  /// The value of the first with a number.
  public subscript(code: UInt8) -> [UInt8]? { entries.first { $0.code == code }?.value }
}

/// What stands in option 43 between PXE clients and servers (PXE 2.1 §2.2.2, table 2-1).
public struct PXEVendorOptions: Sendable, Hashable {
  /// `PXE_DISCOVERY_CONTROL` (6): with bit 3 the client takes the boot file of this offer, without asking further.
  public var discoveryControl: UInt8?
  /// `PXE_BOOT_ITEM` (71): which boot server the client chose; the server gives it back.
  public var bootItem: [UInt8]?

  /// Bit 3 alone: no discovery, no menu, just the boot file.
  public static let useBootFile: UInt8 = 8

  /// The two values.
  public init(discoveryControl: UInt8? = nil, bootItem: [UInt8]? = nil) {
    self.discoveryControl = discoveryControl
    self.bootItem = bootItem
  }

  /// Reads an option 43.
  public init(parsing bytes: [UInt8]) {
    let list = SubOptions(parsing: bytes)
    discoveryControl = list[6].flatMap { $0.count == 1 ? $0[0] : nil }
    bootItem = list[71].flatMap { $0.count == 4 ? $0 : nil }
  }

  /// The value of option 43: numbers ascending, and the end, without which some ROMs read on.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    if let discoveryControl { bytes += [6, 1, discoveryControl] }
    if let bootItem { bytes += [71, UInt8(truncatingIfNeeded: bootItem.count)] + bootItem.prefix(255) }
    return bytes + [255]
  }
}

/// What an iPXE says about itself in option 175 (iPXE's `features.h`).
public struct IPXEFeatures: Sendable, Hashable {
  /// Whether it loads from HTTP servers (0x13).
  public var http: Bool
  /// Whether it loads from HTTPS servers (0x14).
  public var https: Bool

  /// Reads an option 175.
  public init(parsing bytes: [UInt8]) {
    let list = SubOptions(parsing: bytes)
    http = list[0x13]?.contains { $0 != 0 } ?? false
    https = list[0x14]?.contains { $0 != 0 } ?? false
  }
}

/// What a relay agent added (option 82, RFC 3046); a server returns it byte by byte, and reads what it needs.
public struct RelayAgentInformation: Sendable, Hashable {
  /// Agent Circuit ID (1): often the switch port.
  public var circuit: [UInt8]?
  /// Agent Remote ID (2): often the switch.
  public var remote: [UInt8]?
  /// Link selection (5, RFC 3527): an address of the client's subnet, where `giaddr` lies in another.
  public var link: IPv4Address?

  /// Reads an option 82.
  public init(parsing bytes: [UInt8]) {
    let list = SubOptions(parsing: bytes, padded: false)
    circuit = list[1]
    remote = list[2]
    link = list[5].flatMap { IPv4Address(bytes: $0) }
  }
}

/// The user classes of a client (option 77).
///
/// RFC 3004 §4 wants a list of length and text; iPXE sends `iPXE` bare. Bytes that make a list without remainder are
/// one, all others are a single text; `iPXE` makes none, because its first letter would be a length of 105.
public struct UserClass: Sendable, Hashable {
  /// The classes.
  public var classes: [[UInt8]]

  /// Reads an option 77.
  public init(parsing bytes: [UInt8]) {
    var reader = ByteReader(bytes)
    var classes: [[UInt8]] = []
    while let length = reader.byte() {
      guard length > 0, let text = reader.bytes(Int(length)) else {
        self.classes = [Array(bytes.prefix { $0 != 0 })]
        return
      }
      classes.append(Array(text))
    }
    self.classes = classes
  }

  /// Whether the client is iPXE, as it says.
  public var isIPXE: Bool { classes.contains(Array("iPXE".utf8)) }
}
