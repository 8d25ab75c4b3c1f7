// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
package import SystemPackage

/// A partition behind the image, for what a technician saves; an update of the image leaves it alone.
///
/// ```
///   |MBR, GPT|......image......|  room for the image to grow  |...data partition...|backup GPT|
///    └ of the image, with one entry more                       └ to the end          └ at the drive's end
/// ```
///
/// Its entry in the table is called `lifeboat-data`, and by that it is known again.
public struct DataPartition: Sendable, Hashable {
  /// What it holds.
  public let fileSystem: FileSystem
  /// The file system's label.
  public let label: String

  /// A file system for data.
  public enum FileSystem: String, Sendable, Codable, CaseIterable {
    /// Read and written by every computer.
    case exfat
    /// For Linux alone; keeps owners, permissions and links, and survives being pulled out.
    case ext4
  }

  /// The label where none is chosen.
  public static let usualLabel = "LIFEBOAT"

  /// Describes one.
  /// - Throws: `FlashMediaFailure.badLabel`.
  public init(_ fileSystem: FileSystem = .exfat, label: String = DataPartition.usualLabel) throws(FlashMediaFailure) {
    self.fileSystem = fileSystem
    self.label = try fileSystem.checked(label)
  }

  /// The least that a drive must have for an image and a data partition.
  public static func needed(for image: ByteCount) -> ByteCount { ByteCount(DataLayout.needed(image: image.bytes)) }

  /// Where the partition lies on a drive; nil where there is no room.
  public static func range(behind image: ByteCount, on drive: ByteCount) -> FlashRange? {
    DataLayout.partition(behind: image.bytes, on: drive.bytes).map { FlashRange($0) }
  }

  /// A data partition that a drive has got, or had.
  public struct Placed: Sendable, Hashable {
    /// Where it lies.
    public var range: FlashRange
    /// What was made; nil for one that was there before.
    public var made: DataPartition?
  }
}

/// Where a data partition goes. Pure.
package enum DataLayout {
  private static let mebibyte: Int64 = 1 << 20
  /// A smaller one is not worth having.
  package static let least = 64 * mebibyte
  /// Kept free at the end of the drive for the backup of the table.
  package static let tail = mebibyte

  /// What is left between the image and the partition, so that a later image may be larger.
  package static func room(behind image: Int64) -> Int64 { max(image / 4, 64 * mebibyte) }

  /// The first byte, for an image of some size.
  package static func start(behind image: Int64) -> Int64 {
    (image + room(behind: image) + mebibyte - 1) / mebibyte * mebibyte
  }

  /// The least that a drive must have.
  package static func needed(image: Int64) -> Int64 { start(behind: image) + least + tail }

  /// The partition: whole mebibytes, up to the last one before the backup of the table.
  package static func partition(behind image: Int64, on drive: Int64) -> Range<Int64>? {
    guard drive >= needed(image: image) else { return nil }
    return start(behind: image)..<(drive - tail) / mebibyte * mebibyte
  }
}

extension DataPartition.FileSystem {
  /// The programs that make it in a file, in their order; the file system gets an identifier of its own.
  package func commands(_ file: FilePath, label: String) -> [ExternalCommand] {
    switch self {
    case .exfat:
      // mkfs.exfat takes the serial number from the clock's last tick, which two drives may share.
      return [
        FlashReset.FileSystem.exfat.command(file, label: label, blockSize: 512),
        ExternalCommand(
          "tune.exfat", ["-I", "0x" + String(UInt32.random(in: 1 ... .max), radix: 16), file.string],
          package: "exfatprogs"),
      ]
    case .ext4:
      return [
        // Tables and journal are not written as zeros, which would be holes of the file: their checksums tell the
        // kernel what it may believe. The two features are left out because older kernels and fsck refuse them.
        ExternalCommand(
          "mkfs.ext4",
          [
            "-q", "-F", "-m", "0", "-L", label, "-O", "metadata_csum,^metadata_csum_seed,^orphan_file", "-E",
            "root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1", file.string,
          ], package: "e2fsprogs"),
        // As /tmp: whoever is logged in where the drive is plugged in can save something.
        ExternalCommand("debugfs", ["-w", "-R", "set_inode_field / mode 041777", file.string], package: "e2fsprogs"),
      ]
    }
  }

  /// The partition's type in a GPT.
  var partitionType: String {
    switch self {
    case .exfat: "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"  // Microsoft basic data
    case .ext4: "0FC63DAF-8483-4772-8E79-3D69D8477DE4"  // Linux filesystem
    }
  }

  /// A label as this file system keeps it.
  fileprivate func checked(_ text: String) throws(FlashMediaFailure) -> String {
    switch self {
    case .exfat: return try FlashReset.FileSystem.exfat.label(text)
    case .ext4:
      guard (1...16).contains(text.utf8.count) else { throw .badLabel(text, "1 to 16 bytes") }
      guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f && $0 != "/" && $0 != "\\" }),
        text.first != " "
      else { throw .badLabel(text, "no space at its start, no / or \\") }
      return text
    }
  }
}
