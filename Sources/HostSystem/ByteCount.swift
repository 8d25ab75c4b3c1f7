// SPDX-License-Identifier: GPL-3.0-or-later

/// A number of bytes; never a bare `Int` in an interface.
public struct ByteCount: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// The bytes.
  public var bytes: Int64

  /// Wraps a number of bytes.
  public init(_ bytes: Int64) { self.bytes = bytes }
  /// Wraps a number of bytes.
  public init(_ bytes: Int) { self.bytes = Int64(bytes) }

  /// Reads a bare number of bytes.
  public init(from decoder: any Decoder) throws { bytes = try decoder.singleValueContainer().decode(Int64.self) }
  /// Writes a bare number of bytes.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(bytes)
  }

  /// No bytes.
  public static let zero = ByteCount(Int64(0))
  /// Binary mebibytes.
  public static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(count << 20) }

  /// Orders by size.
  public static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }
  /// The sum.
  public static func + (a: ByteCount, b: ByteCount) -> ByteCount { ByteCount(a.bytes + b.bytes) }
  /// What is left when the other is taken away.
  public static func - (a: ByteCount, b: ByteCount) -> ByteCount { ByteCount(a.bytes - b.bytes) }
  /// Adds in place.
  public static func += (a: inout ByteCount, b: ByteCount) { a.bytes += b.bytes }

  /// Decimal units with one digit, as drives and discs are sold: `231.4 MB`.
  public var description: String {
    let units = ["kB", "MB", "GB", "TB"]
    guard bytes >= 1000 else { return "\(bytes) B" }
    var tenths = bytes / 100
    var unit = 0
    while tenths >= 10_000, unit < units.count - 1 {
      tenths /= 1000
      unit += 1
    }
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }

  /// All digits with thousands separators: `231,407,616`.
  public var exact: String {
    var text = ""
    for (index, digit) in String(bytes).reversed().enumerated() {
      if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }
}
