// SPDX-License-Identifier: GPL-3.0-or-later

/// Where things go on a drive that is reset. Pure.
package struct ResetLayout: Hashable, Sendable {
  /// The drive's bytes.
  package let size: Int64

  /// Describes a drive.
  package init(size: Int64) { self.size = size }

  /// Where partitions begin on every drive as sold.
  package static let start: Int64 = 1 << 20
  /// What is erased behind the start of the partition: the marks that blkid knows lie within (btrfs 64 KiB, ZFS
  /// labels 512 KiB, LUKS 2 with its second header up to 4 MiB).
  static let front: Int64 = 4 << 20
  /// What is erased at the end of the partition and of the drive: a backup GPT, md 1.0, ZFS labels 512 KiB, DDF.
  static let tail: Int64 = 1 << 20

  /// The partition: from the first mebibyte to the last whole one.
  package var partition: Range<Int64> { Self.start..<max(Self.start, (size >> 20) << 20) }

  /// What is set to zero where the file system has nothing.
  package var wiped: [Range<Int64>] {
    let front = min(size, Self.start + Self.front)
    return [0..<front, max(front, partition.upperBound - Self.tail)..<size].filter { !$0.isEmpty }
  }

  /// Whether the four bytes that a partition table of this kind has for a number of blocks are enough.
  package static func fits(size: Int64, blockSize: Int) -> Bool { size / Int64(blockSize) <= Int64(UInt32.max) }

  /// The first sector: a partition table of the PC's old kind, which every device that takes sticks knows. There is no
  /// code in it. Cylinders and heads are those that mean "see the block numbers".
  package func masterBootRecord(type: UInt8, blockSize: Int, identifier: UInt32) -> [UInt8] {
    func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
    let block = Int64(blockSize)
    let nowhere: [UInt8] = [0xfe, 0xff, 0xff]
    var sector = [UInt8](repeating: 0, count: 512)
    sector.replaceSubrange(440..<444, with: bytes(identifier))
    sector.replaceSubrange(
      446..<462,
      with: [0] + nowhere + [type] + nowhere + bytes(UInt32(clamping: partition.lowerBound / block))
        + bytes(UInt32(clamping: (partition.upperBound - partition.lowerBound) / block)))
    sector.replaceSubrange(510..<512, with: [0x55, 0xaa])
    return sector
  }
}

extension FlashReset.FileSystem {
  /// How a partition table of the PC's old kind calls it.
  package var partitionType: UInt8 {
    switch self {
    case .exfat: 0x07
    case .fat32: 0x0c
    }
  }
}
