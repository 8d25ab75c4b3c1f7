// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// The partitions of a disk and the space between them. Pure.
package struct DiskLayout: Sendable, Equatable, Codable {
  /// The kind of table.
  package var table: Table
  /// The disk's own identifier: a GUID, or eight digits.
  package var identifier: String
  /// The disk's size.
  package var size: ByteCount
  /// The unit that the table counts in.
  package var sectorSize: Int
  /// In the order of their places; an extended partition before those in it.
  package var partitions: [Partition]
  /// Free space that is worth naming, in the order of places; aligned at its start.
  package var gaps: [Gap]

  /// A kind of partition table.
  package enum Table: String, Sendable, Codable { case gpt, mbr }

  /// An entry of the table.
  package struct Partition: Sendable, Equatable, Codable {
    /// From 1.
    package var number: Int
    package var start: ByteCount
    package var size: ByteCount
    /// A GUID in upper case, or a number as `0x7`.
    package var type: String
    /// The type in words.
    package var kind: String
    /// A GPT's name for it.
    package var name: String?
    /// `PARTUUID`, in lower case.
    package var uuid: String
    /// Whether it is an MBR's container of others.
    package var isExtended = false
    /// Whether it lies in an extended one.
    package var isLogical = false
    /// What lies on it, in a few words.
    package var content: String?

    /// Describes one.
    package init(
      number: Int, start: ByteCount, size: ByteCount, type: String, kind: String, name: String? = nil, uuid: String,
      isExtended: Bool = false, isLogical: Bool = false, content: String? = nil
    ) {
      (self.number, self.start, self.size, self.type, self.kind) = (number, start, size, type, kind)
      (self.name, self.uuid, self.content) = (name, uuid, content)
      (self.isExtended, self.isLogical) = (isExtended, isLogical)
    }

    package var range: Range<Int64> { start.bytes..<start.bytes + size.bytes }
  }

  /// Free space.
  package struct Gap: Sendable, Equatable, Codable {
    package var start: ByteCount
    package var size: ByteCount
    /// Whether it lies in an extended partition.
    package var isLogical: Bool

    package var range: Range<Int64> { start.bytes..<start.bytes + size.bytes }
  }

  /// Whether the table is the same, whatever lies on the partitions.
  package func hasSameTable(as other: DiskLayout) -> Bool {
    func table(_ layout: DiskLayout) -> DiskLayout {
      var layout = layout
      for index in layout.partitions.indices { layout.partitions[index].content = nil }
      return layout
    }
    return table(self) == table(other)
  }

  /// Whether another entry can be made outside of an extended partition.
  package var hasPrimaryEntry: Bool {
    table == .gpt ? partitions.count < 128 : partitions.count { $0.number <= 4 } < 4
  }

  /// The gaps that an entry can be made for.
  package var usableGaps: [Gap] { gaps.filter { $0.isLogical || hasPrimaryEntry } }

  /// A line for each partition and gap, in their order.
  package var picture: [String] {
    let rows: [(Int64, [String])] =
      partitions.map { part in
        let name = part.name.map { "\"\($0)\"" } ?? ""
        let words = [part.kind, name, part.content ?? ""].filter { !$0.isEmpty }
        return (
          part.start.bytes,
          ["\(part.isLogical ? "  " : "")\(part.number)", "\(part.size)"] + [words.joined(separator: ", ")]
        )
      } + gaps.map { ($0.start.bytes, [$0.isLogical ? "  –" : "–", "\($0.size)", "free"]) }
    let sorted = rows.sorted { $0.0 < $1.0 }.map(\.1)
    let widths = (0..<2).map { column in sorted.map { $0[column].count }.max() ?? 0 }
    return sorted.map { row in
      let number = row[0] + String(repeating: " ", count: widths[0] - row[0].count)
      let size = String(repeating: " ", count: widths[1] - row[1].count) + row[1]
      return "\(number)  \(size)  \(row[2])"
    }
  }
}
