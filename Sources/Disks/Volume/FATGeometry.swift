// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem

/// Where things lie in a FAT32 volume, from its first sector ("Microsoft FAT Specification", section 3). Pure.
///
/// ```
///   |boot sector … reserved| FAT | FAT (copy) | cluster 2 | cluster 3 | …
///    └ one sector counts 512 or 4,096 bytes     └ dataStart
/// ```
package struct FATGeometry: Equatable {
  /// Bytes of a sector and of a cluster.
  package var sectorSize: Int
  package var clusterSize: Int
  /// Bytes before the first FAT, of one FAT, and how many of them there are.
  package var reserved: Int
  package var tableSize: Int
  package var tables: Int
  /// The first cluster of the top folder.
  package var root: Int
  /// How many clusters there are.
  package var clusters: Int
  /// As libblkid writes it: `1234-ABCD`.
  package var serial: String
  /// The volume's name, without padding.
  package var label: String

  /// Where the first cluster, number 2, begins.
  package var dataStart: Int64 { Int64(reserved) + Int64(tableSize) * Int64(tables) }

  /// Reads a boot sector; nil where it is not one of a FAT32 volume.
  package init?(_ sector: [UInt8]) {
    guard sector.count >= 512, sector[510] == 0x55, sector[511] == 0xaa else { return nil }
    sectorSize = sector.number(at: 11, bytes: 2)
    guard [512, 1024, 2048, 4096].contains(sectorSize) else { return nil }
    let sectors = sector.number(at: 32, bytes: 4)
    (tables, root) = (Int(sector[16]), sector.number(at: 44, bytes: 4))
    clusterSize = Int(sector[13]) * sectorSize
    reserved = sector.number(at: 14, bytes: 2) * sectorSize
    tableSize = sector.number(at: 36, bytes: 4) * sectorSize
    // FAT12 and FAT16 have their table's length in another place, and entries for the top folder.
    guard sector.number(at: 22, bytes: 2) == 0, sector.number(at: 17, bytes: 2) == 0, clusterSize > 0, reserved > 0,
      tableSize > 0, (1...2).contains(tables), root >= 2
    else { return nil }
    (clusters, label, serial) = (0, "", "")
    let data = Int64(sectors) * Int64(sectorSize) - dataStart
    guard data > 0 else { return nil }
    clusters = Int(data / Int64(clusterSize))
    guard clusters >= 65_525, clusters + 2 <= tableSize / 4 else { return nil }
    let number = sector.number(at: 67, bytes: 4)
    let digits = String(number, radix: 16, uppercase: true)
    let padded = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    serial = "\(padded.prefix(4))-\(padded.suffix(4))"
    label = String(decoding: sector[71..<82], as: UTF8.self).trimmingSpaces
  }

  /// Where a cluster lies.
  package func range(ofCluster number: Int) -> Range<Int64> {
    let start = dataStart + Int64(number - 2) * Int64(clusterSize)
    return start..<start + Int64(clusterSize)
  }

  /// Clusters as ranges of bytes, neighbours joined, in their order.
  package func ranges(ofClusters numbers: some Sequence<Int>) -> [Range<Int64>] {
    var ranges: [Range<Int64>] = []
    for number in numbers {
      let range = range(ofCluster: number)
      if let last = ranges.last, last.upperBound == range.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
      } else {
        ranges.append(range)
      }
    }
    return ranges
  }
}

extension [UInt8] {
  /// A little-endian number.
  package func number(at offset: Int, bytes count: Int) -> Int {
    self[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
  }
}

extension String {
  /// Without spaces at the end.
  var trimmingSpaces: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
