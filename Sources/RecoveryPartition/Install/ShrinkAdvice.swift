// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import HostSystem
internal import SystemPackage

/// What helps where no free space is large enough: a smaller partition, or which file system could give room, how much,
/// and by which commands. Nothing of it is run. Pure.
struct ShrinkAdvice {
  /// What is needed, in one piece.
  let size: ByteCount
  /// What one version needs; nil where the size was asked for, and is no choice of Lifeboat's.
  let least: ByteCount?
  let layout: DiskLayout
  let disk: FilePath
  let isFile: Bool
  /// How small partitions can become, by their numbers, as far as that is known.
  let smallest: [Int: ByteCount]

  /// A sentence that starts with a verb, then a line for each file system.
  var lines: [String] {
    var lines: [String] = []
    let largest = layout.usableGaps.map(\.size).max() ?? .zero
    let room = "room: shrink a file system with its partition, which Lifeboat does not do. Save what is on it before."
    if let least, largest >= least {
      lines.append(
        "Give --size \(largest.bytes >> 20)M: that is free in one piece, and this medium needs \(least.sizeArgument).")
      lines.append("Or make \(room)")
    } else {
      lines.append("Make \(room)")
    }
    let shrinkable = layout.partitions.filter { !$0.isExtended }.sorted { $0.size > $1.size }.compactMap(line)
    if shrinkable.contains(where: { $0.contains("unmounted") }) {
      lines.append("Start a recovery medium for what the running system has in use: it is unmounted only there.")
    }
    return lines + shrinkable
  }

  /// `/dev/sda` + 2 is `/dev/sda2`, `/dev/nvme0n1` + 2 is `/dev/nvme0n1p2`.
  static func path(_ disk: FilePath) -> String { disk.string.last?.isNumber == true ? "\(disk)p" : disk.string }

  /// Where a partition would have to end: what is free right behind it counts.
  private func end(of partition: DiskLayout.Partition) -> Int64 {
    let alignment: Int64 = 1 << 20
    let old = partition.range.upperBound
    let behind = layout.gaps.first {
      $0.isLogical == partition.isLogical && (old..<old + 2 * alignment).contains($0.start.bytes)
    }
    return ((behind?.range.upperBound ?? old) - size.bytes) / alignment * alignment
  }

  private func line(_ partition: DiskLayout.Partition) -> String? {
    let kept = end(of: partition) - partition.start.bytes
    let given = partition.size.bytes - kept
    let room = smallest[partition.number].map { max(0, partition.size.bytes - $0.bytes) }
    guard room != nil || partition.size.bytes > given * 2 else { return nil }
    let name = isFile ? "partition \(partition.number)" : Self.path(disk) + String(partition.number)
    let head = "\(name) (\(partition.size), \(partition.content ?? ""))"
    if let room, room < given { return head + " can give only \(ByteCount(room))" }
    guard let commands = commands(partition, mebibytes: kept >> 20, sectors: kept / Int64(layout.sectorSize)) else {
      return nil
    }
    return head + (room.map { " can give \(ByteCount($0)), \(ByteCount(given)) are needed; " } ?? ": ") + commands
  }

  /// The file system becomes as small as whole mebibytes allow, the partition ends where it has to.
  private func commands(_ partition: DiskLayout.Partition, mebibytes: Int64, sectors: Int64) -> String? {
    let table = "echo ',\(sectors)' | sfdisk -N \(partition.number) \(disk)"
    // resize2fs would cut an image file off behind the file system that it makes smaller.
    let device = isFile ? "/dev/loopNp\(partition.number)" : Self.path(disk) + String(partition.number)
    let attached = isFile ? "attached (losetup -P -f --show \(disk)), " : ""
    switch partition.content?.prefix(while: { $0 != " " }) {
    case "ntfs": return "in Windows, as administrator: \(resize(partition, mebibytes))"
    case "BitLocker": return "in Windows, as administrator, with BitLocker suspended: \(resize(partition, mebibytes))"
    case "ext2", "ext3", "ext4":
      return "\(attached)unmounted: e2fsck -fp \(device) && resize2fs \(device) \(mebibytes)M && \(table)"
    case "btrfs":
      return "\(attached)mounted: btrfs filesystem resize \(mebibytes)M MOUNTPOINT, then unmounted: \(table)"
    case "LVM2_member":
      let pvresize = "pvresize --setphysicalvolumesize \(mebibytes)M \(device)"
      return "\(attached)with its volumes unmounted: \(pvresize) && \(table)"
    case "xfs": return "XFS cannot be shrunk"
    default: return nil
    }
  }

  /// Windows knows a GPT's partition by its GUID, others by their letter, which is not known here.
  private func resize(_ partition: DiskLayout.Partition, _ mebibytes: Int64) -> String {
    layout.table == .gpt
      ? "Get-Partition | Where-Object Guid -eq '{\(partition.uuid)}' | Resize-Partition -Size \(mebibytes)MB"
      : "Resize-Partition -DriveLetter LETTER -Size \(mebibytes)MB, with the letter that it has there"
  }
}
