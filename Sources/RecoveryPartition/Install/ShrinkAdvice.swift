// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Which file system could give room, and by which commands. Nothing of it is run. Pure.
enum ShrinkAdvice {
  /// - Parameters:
  ///   - size: what is needed.
  ///   - smallest: how small partitions can become, by their numbers, as far as that is known.
  static func lines(
    for size: ByteCount, in layout: DiskLayout, _ disk: FilePath, isFile: Bool, smallest: [Int: ByteCount]
  ) -> [String] {
    layout.partitions.filter { !$0.isExtended && ($0.size.bytes > size.bytes * 2 || smallest[$0.number] != nil) }
      .sorted { $0.size > $1.size }.compactMap {
        line($0, size, isFile ? "\(disk), partition " : path(disk), smallest: smallest[$0.number])
      }
  }

  /// `/dev/sda` + 2 is `/dev/sda2`, `/dev/nvme0n1` + 2 is `/dev/nvme0n1p2`.
  static func path(_ disk: FilePath) -> String { disk.string.last?.isNumber == true ? "\(disk)p" : disk.string }

  private static func line(
    _ partition: DiskLayout.Partition, _ size: ByteCount, _ prefix: String, smallest: ByteCount?
  ) -> String? {
    let device = "\(prefix)\(partition.number)"
    let mebibytes = (size.bytes + (1 << 20) - 1) >> 20
    let left = (partition.size.bytes >> 20) - mebibytes
    let name = "\(device) (\(partition.size), \(partition.content ?? ""))"
    let room = smallest.map { max(0, partition.size.bytes - $0.bytes) }
    if let room, room < size.bytes { return name + " can give only \(ByteCount(room))" }
    let what = name + (room.map { " can give \(ByteCount($0)); " } ?? ": ")
    switch partition.content?.prefix(while: { $0 != " " }) {
    case "ntfs":
      return what + "in Windows, as administrator: Resize-Partition -DriveLetter C -Size \(left)MB"
    case "ext2", "ext3", "ext4":
      return what + "unmounted: e2fsck -f \(device) && resize2fs \(device) \(left)M, then make the partition smaller"
    case "btrfs":
      return what + "mounted: btrfs filesystem resize -\(mebibytes)M MOUNTPOINT, then make the partition smaller"
    case "xfs": return what + "XFS cannot be shrunk"
    case "BitLocker":
      return what + "in Windows, with BitLocker suspended: Resize-Partition -DriveLetter C -Size \(left)MB"
    case "LVM2_member":
      return what + "pvresize --setphysicalvolumesize \(left)M \(device), then make the partition smaller"
    default: return nil
    }
  }
}
