// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
package import HostSystem
package import SystemPackage

/// A recovery partition as it stands on a disk: what a boot entry has to name.
package struct InstalledPartition: Sendable, Equatable {
  /// The whole disk, or the image file of one.
  package var disk: FilePath
  /// Whether `disk` is a file: nothing outside of it is changed then.
  package var isFile: Bool
  /// The kind of its partition table.
  package var table: DiskLayout.Table
  /// Its number in the table, from 1.
  package var number: Int
  /// Where it begins on the disk; a multiple of the sector size.
  package var start: ByteCount
  /// Its size; a multiple of the sector size.
  package var size: ByteCount
  /// The disk's logical sector in bytes: 512 or 4,096.
  package var sectorSize: Int
  /// What Linux calls it below `/dev/disk/by-partuuid`, in lower case: the partition's own GUID on a GPT, otherwise the
  /// disk's identifier and the number (`1b2c3d4e-05`).
  package var partitionUUID: String
  /// The serial number of its FAT, as libblkid and GRUB's `search --fs-uuid` write it: `1234-ABCD`.
  package var fileSystemSerial: String
  /// The title of the image in the slot that starts.
  package var title: String
  /// Whether Windows and desktops leave it alone.
  package var isHidden: Bool

  /// Describes one; reads nothing.
  package init(
    disk: FilePath, isFile: Bool, table: DiskLayout.Table, number: Int, start: ByteCount, size: ByteCount,
    sectorSize: Int,
    partitionUUID: String, fileSystemSerial: String, title: String, isHidden: Bool
  ) {
    (self.disk, self.isFile, self.table, self.number) = (disk, isFile, table, number)
    (self.start, self.size, self.sectorSize) = (start, size, sectorSize)
    (self.partitionUUID, self.fileSystemSerial) = (partitionUUID, fileSystemSerial)
    (self.title, self.isHidden) = (title, isHidden)
  }
}
