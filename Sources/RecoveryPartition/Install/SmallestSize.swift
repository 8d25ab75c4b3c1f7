// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import HostSystem
internal import SystemPackage

/// How small file systems can become, as their own programs say; they are asked only, and nothing is changed.
enum SmallestSize {
  /// Asks for each partition of a disk; those are left out of which nothing is known, or whose program is missing.
  static func all(of disk: Disk, _ layout: DiskLayout) async -> [Int: ByteCount] {
    var sizes: [Int: ByteCount] = [:]
    for partition in layout.partitions {
      sizes[partition.number] = try? await size(of: partition, on: disk)
    }
    return sizes
  }

  private static func size(of partition: DiskLayout.Partition, on disk: Disk) async throws -> ByteCount? {
    let device = ShrinkAdvice.path(disk.path) + "\(partition.number)"
    switch partition.content?.prefix(while: { $0 != " " }) {
    case "ext2", "ext3", "ext4":
      // libext2fs finds a file system inside of a file so (ext2fs_open2).
      let name = disk.isFile ? "\(disk.path)?offset=\(partition.start.bytes)" : device
      return ext(
        resize2fs: try await resize2fs(name).text(), dumpe2fs: try await dumpe2fs(name).text())
    case "ntfs": return disk.isFile ? nil : ntfs(try await ntfsresize(device).text())
    default: return nil
    }
  }

  static func resize2fs(_ name: String) -> ExternalCommand {
    ExternalCommand("resize2fs", ["-P", name], environment: ["LC_ALL": "C"], package: "e2fsprogs")
  }

  static func dumpe2fs(_ name: String) -> ExternalCommand {
    ExternalCommand("dumpe2fs", ["-h", name], environment: ["LC_ALL": "C"], package: "e2fsprogs")
  }

  static func ntfsresize(_ device: String) -> ExternalCommand {
    ExternalCommand(
      "ntfsresize", ["--info", "--force", "--no-progress-bar", device], environment: ["LC_ALL": "C"],
      package: "ntfs-3g")
  }

  /// From what both programs print: the size is in blocks, and only the other one says how large these are.
  static func ext(resize2fs: String, dumpe2fs: String) -> ByteCount? {
    guard let blocks = number(resize2fs, after: /size of the filesystem: *([0-9]+)/),
      let block = number(dumpe2fs, after: /Block size: *([0-9]+)/)
    else { return nil }
    let (bytes, isTooMuch) = blocks.multipliedReportingOverflow(by: block)
    return isTooMuch ? nil : ByteCount(bytes)
  }

  /// From ntfsresize's line "You might resize at N bytes".
  static func ntfs(_ text: String) -> ByteCount? {
    number(text, after: /resize at ([0-9]+) bytes/).map { ByteCount($0) }
  }

  private static func number(_ text: String, after pattern: Regex<(Substring, Substring)>) -> Int64? {
    text.firstMatch(of: pattern).flatMap { Int64($0.output.1) }
  }
}
