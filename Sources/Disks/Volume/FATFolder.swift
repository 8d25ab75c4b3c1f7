// SPDX-License-Identifier: GPL-3.0-or-later

/// The entries of a folder of FAT ("Microsoft FAT Specification", sections 6 and 7). Pure.
package enum FATFolder {
  /// A folder or a file.
  package struct Entry: Equatable {
    var name: String
    var isFolder: Bool
    var cluster: Int
    var size: Int64
    /// Where its record of 32 bytes begins in the folder's content.
    var place: Int
  }

  /// Reads a folder's content up to its end; `.` and `..`, removed entries and the volume's name are left out.
  package static func entries(of bytes: [UInt8]) -> [Entry] {
    var entries: [Entry] = []
    var long: [UInt16] = []
    for offset in stride(from: 0, to: bytes.count - 31, by: 32) {
      let record = Array(bytes[offset..<offset + 32])
      guard record[0] != 0 else { break }
      let attributes = record[11]
      if record[0] == 0xe5 {
        long = []
      } else if attributes & 0x3f == 0x0f {
        // Parts of a long name stand before the entry, the last part first.
        long = units(of: record) + (record[0] & 0x40 != 0 ? [] : long)
      } else {
        defer { long = [] }
        guard attributes & 0x08 == 0, record[0] != UInt8(ascii: ".") else { continue }
        let name = long.isEmpty ? shortName(record) : String(decoding: long.prefix { $0 != 0 }, as: UTF16.self)
        entries.append(
          Entry(
            name: name, isFolder: attributes & 0x10 != 0,
            cluster: record.number(at: 20, bytes: 2) << 16 | record.number(at: 26, bytes: 2),
            size: Int64(record.number(at: 28, bytes: 4)), place: offset))
      }
    }
    return entries
  }

  private static func units(of record: [UInt8]) -> [UInt16] {
    [1..<11, 14..<26, 28..<32].flatMap { range in
      stride(from: range.lowerBound, to: range.upperBound, by: 2).map { UInt16(record.number(at: $0, bytes: 2)) }
    }
  }

  /// Windows and mtools note in two bits that a short name's parts are meant in lower case.
  private static func shortName(_ record: [UInt8]) -> String {
    func part(_ range: Range<Int>, isLower: Bool) -> String {
      let text = String(decoding: record[range], as: UTF8.self).trimmingSpaces
      return isLower ? text.lowercased() : text
    }
    let base = part(0..<8, isLower: record[12] & 0x08 != 0)
    let more = part(8..<11, isLower: record[12] & 0x10 != 0)
    return more.isEmpty ? base : "\(base).\(more)"
  }
}
