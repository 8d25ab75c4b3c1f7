// SPDX-License-Identifier: GPL-3.0-or-later

/// Numbers and texts inside raw bytes. A field that is not wholly there reads as zero or empty: hostile input never
/// traps, and every caller checks the values it gets anyway.
extension RandomAccessCollection where Element == UInt8, Index == Int {
  /// A little-endian number at an offset from the start of the collection.
  func little<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
    field(offset, MemoryLayout<Number>.size).reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  /// A big-endian number at an offset from the start of the collection.
  func big<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
    field(offset, MemoryLayout<Number>.size).reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
  }

  /// `count` bytes at an offset from the start, or nothing when they are not all there.
  func field(_ offset: Int, _ count: Int) -> SubSequence {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return self[endIndex...] }
    return self[(startIndex + offset)..<(startIndex + offset + count)]
  }

  /// Text without the blanks and NULs that pad it.
  func paddedText(at offset: Int, count: Int) -> String {
    let bytes = field(offset, count)
    let end = bytes.lastIndex { $0 != 0x20 && $0 != 0 }.map { $0 + 1 } ?? bytes.startIndex
    return String(decoding: bytes[..<end].prefix { $0 != 0 }, as: UTF8.self)
  }

  /// UTF-16 text, cut at the first NUL.
  func utf16Text(bigEndian: Bool) -> String {
    let units = stride(from: 0, to: count - count % 2, by: 2).map {
      bigEndian ? big(UInt16.self, at: $0) : little(UInt16.self, at: $0)
    }
    return String(decoding: units.prefix { $0 != 0 }, as: UTF16.self)
  }

  /// Whether bytes stand at an offset.
  func has(_ text: StaticString, at offset: Int) -> Bool {
    field(offset, text.utf8CodeUnitCount).elementsEqual("\(text)".utf8)
  }

  /// Whether every byte is zero.
  var isZero: Bool { allSatisfy { $0 == 0 } }
}

/// CRC-32 as GPT uses it (ISO 3309, reflected polynomial 0xEDB88320).
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { start in
    (0..<8).reduce(UInt32(start)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }

  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var value = ~UInt32(0)
    table.withUnsafeBufferPointer { table in
      for byte in bytes { value = value >> 8 ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
    }
    return ~value
  }
}
