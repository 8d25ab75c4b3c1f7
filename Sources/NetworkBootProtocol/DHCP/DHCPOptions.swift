// SPDX-License-Identifier: GPL-3.0-or-later

/// The options of a DHCP packet: each number once, in the order in which they were first seen or set.
///
/// An option that came in several pieces is one value here (RFC 3396 §7).
public struct DHCPOptions: Sendable, Hashable {
  /// One option.
  public struct Entry: Sendable, Hashable {
    /// Its number.
    public var code: DHCPOptionCode
    /// Its value, without number and length.
    public var value: [UInt8]
  }

  /// All options in order.
  public private(set) var entries: [Entry] = []

  /// No options.
  public init() {}

  /// The value of an option, nil where it is absent. Setting nil removes it; a new one goes to the end.
  public subscript(code: DHCPOptionCode) -> [UInt8]? {
    get { entries.first { $0.code == code }?.value }
    set {
      let index = entries.firstIndex { $0.code == code }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (let index?, nil): entries.remove(at: index)
      case (nil, let value?): entries.append(Entry(code: code, value: value))
      case (nil, nil): break
      }
    }
  }

  /// An option that is one IPv4 address; nil if it is absent or has another length.
  public func address(_ code: DHCPOptionCode) -> IPv4Address? { self[code].flatMap { IPv4Address(bytes: $0) } }

  /// An option that is a 32-bit number of seconds; nil if it is absent or has another length.
  public func seconds(_ code: DHCPOptionCode) -> UInt32? { address(code)?.value }

  /// An option that is text; a NUL at its end is not part of it (RFC 2132 §2).
  public func text(_ code: DHCPOptionCode) -> [UInt8]? {
    self[code].map { value in Array(value.prefix { $0 != 0 }) }
  }

  /// How many bytes the options take on the wire, end included: pieces of 255 bytes at most (RFC 3396 §5).
  public var wireCount: Int {
    entries.reduce(1) { $0 + $1.value.count + 2 * max(1, ($1.value.count + 254) / 255) }
  }

  /// Adds the options to a packet, long ones in adjacent pieces, and the end.
  func append(to bytes: inout [UInt8]) {
    for entry in entries {
      var rest = entry.value[...]
      repeat {
        let piece = rest.prefix(255)
        rest = rest.dropFirst(255)
        bytes.append(entry.code.rawValue)
        bytes.append(UInt8(piece.count))
        bytes.append(contentsOf: piece)
      } while !rest.isEmpty
    }
    bytes.append(255)
  }

  /// The longest value that is accepted: more than any option of netboot clients and relays, and less than a packet.
  static let longestValue = 1024

  /// Reads a field of options up to its end. A field without an end is read to its last byte, as other servers do.
  mutating func read(_ field: ArraySlice<UInt8>) throws(NetworkBootProtocolFailure) {
    var reader = ByteReader(field)
    while let number = reader.byte(), number != 255 {
      guard let code = DHCPOptionCode(rawValue: number) else { continue }
      guard let length = reader.byte(), let piece = reader.bytes(Int(length)) else {
        throw .dhcp(.truncatedOption(code: number))
      }
      let value = (self[code] ?? []) + piece
      guard value.count <= Self.longestValue else {
        throw .dhcp(.oversizedOption(code: number, limit: Self.longestValue))
      }
      self[code] = value
    }
  }
}
