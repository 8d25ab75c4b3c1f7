// SPDX-License-Identifier: GPL-3.0-or-later

/// Reads bytes from front to back and never past the end.
struct ByteReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: some Collection<UInt8>) { rest = ArraySlice(bytes) }
  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  /// How many bytes are left.
  var count: Int { rest.count }
  var isAtEnd: Bool { rest.isEmpty }

  /// One byte; nil at the end.
  mutating func byte() -> UInt8? { rest.popFirst() }

  /// Two bytes in network order; nil, and nothing read, if there are fewer.
  mutating func uint16() -> UInt16? {
    guard let bytes = self.bytes(2) else { return nil }
    return bytes.reduce(0) { $0 << 8 | UInt16($1) }
  }

  /// Four bytes in network order; nil, and nothing read, if there are fewer.
  mutating func uint32() -> UInt32? {
    guard let bytes = self.bytes(4) else { return nil }
    return bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// So many bytes; nil, and nothing read, if there are fewer.
  mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
    guard count >= 0, rest.count >= count else { return nil }
    let taken = rest.prefix(count)
    rest = rest.dropFirst(count)
    return taken
  }

  /// The bytes before the next NUL, which is skipped; nil, and nothing read, if there is none.
  mutating func untilNUL() -> ArraySlice<UInt8>? {
    guard let end = rest.firstIndex(of: 0) else { return nil }
    let taken = rest[..<end]
    rest = rest[rest.index(after: end)...]
    return taken
  }
}

extension [UInt8] {
  /// Adds two bytes in network order.
  mutating func append(networkOrder value: UInt16) {
    append(UInt8(value >> 8))
    append(UInt8(truncatingIfNeeded: value))
  }

  /// Adds four bytes in network order.
  mutating func append(networkOrder value: UInt32) {
    append(networkOrder: UInt16(value >> 16))
    append(networkOrder: UInt16(truncatingIfNeeded: value))
  }

  /// Adds bytes and as many NULs as a field of so many bytes needs; what is too long is cut.
  mutating func append(_ bytes: [UInt8], paddedTo width: Int) {
    append(contentsOf: bytes.prefix(Swift.max(0, width)))
    append(contentsOf: repeatElement(0, count: Swift.max(0, width - bytes.count)))
  }
}

/// Lower-case hexadecimal digits of bytes.
func hexadecimal(_ bytes: some Sequence<UInt8>, separator: String = "") -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: separator)
}

/// Bytes from strangers as one line for a log: printable ASCII as it is, everything else and the backslash as `\xNN`.
func printable(_ bytes: some Collection<UInt8>, limit: Int = 80) -> String {
  let text = bytes.prefix(limit).map { byte in
    byte >= 0x20 && byte < 0x7f && byte != 0x5c
      ? String(UnicodeScalar(byte)) : "\\x" + hexadecimal([byte])
  }.joined()
  return bytes.count > limit ? text + "…" : text
}
