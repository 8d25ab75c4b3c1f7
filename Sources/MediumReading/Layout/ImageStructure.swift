// SPDX-License-Identifier: GPL-3.0-or-later

/// What a range of bytes on a medium is, apart from the content of files.
public enum ImageStructure: String, Sendable, Codable, CaseIterable {
  /// The first 512 bytes: boot code, the disk's signature and four partition entries.
  case masterBootRecord = "master-boot-record"
  /// The header of the GUID partition table in sector 1 (UEFI, 5.3.2).
  case primaryTableHeader = "gpt-header"
  /// The partitions of the GUID partition table.
  case primaryTableEntries = "gpt-entries"
  /// What is left of the 32 KiB that ECMA-119 (6.2.1) keeps free for the system.
  case systemArea = "system-area"
  /// The descriptor of the ISO 9660 tree (ECMA-119, 8.4).
  case primaryVolumeDescriptor = "primary-volume-descriptor"
  /// The descriptor of the Joliet tree.
  case jolietVolumeDescriptor = "joliet-volume-descriptor"
  /// The descriptor that points to El Torito's catalogue.
  case bootRecord = "boot-record-descriptor"
  /// The descriptor that ends the list of descriptors.
  case descriptorTerminator = "descriptor-terminator"
  /// A descriptor of another kind.
  case otherVolumeDescriptor = "other-volume-descriptor"
  /// The list of all folders of the ISO 9660 tree, in both byte orders (ECMA-119, 6.9).
  case pathTable = "path-table"
  /// The records of a folder.
  case directory = "directory"
  /// Rock Ridge fields that did not fit into a folder's record (SUSP, 5.1).
  case continuationArea = "rock-ridge-continuation"
  /// The list of all folders of the Joliet tree.
  case jolietPathTable = "joliet-path-table"
  /// The records of a folder of the Joliet tree.
  case jolietDirectory = "joliet-directory"
  /// El Torito's list of what can be started.
  case bootCatalogue = "boot-catalogue"
  /// From the end of a file's content to the end of its block.
  case filePadding = "file-padding"
  /// A partition that is no file system of the image.
  case partition
  /// What El Torito starts and no file of the tree is.
  case bootImage = "boot-image"
  /// The second copy of the partitions, before the last sector.
  case backupTableEntries = "backup-gpt-entries"
  /// The second copy of the header, in the last sector.
  case backupTableHeader = "backup-gpt-header"
  /// Bytes that nothing refers to.
  case gap

  /// For people.
  public var title: String {
    switch self {
    case .masterBootRecord: "MBR: boot code and partitions"
    case .primaryTableHeader: "GPT header"
    case .primaryTableEntries: "GPT entries"
    case .systemArea: "system area"
    case .primaryVolumeDescriptor: "primary volume descriptor"
    case .jolietVolumeDescriptor: "Joliet volume descriptor"
    case .bootRecord: "El Torito boot record"
    case .descriptorTerminator: "end of descriptors"
    case .otherVolumeDescriptor: "volume descriptor"
    case .pathTable: "path tables"
    case .directory: "directories"
    case .continuationArea: "Rock Ridge continuation"
    case .jolietPathTable: "Joliet path tables"
    case .jolietDirectory: "Joliet directories"
    case .bootCatalogue: "boot catalogue"
    case .filePadding: "padding after files"
    case .partition: "partition"
    case .bootImage: "El Torito boot image"
    case .backupTableEntries: "backup GPT entries"
    case .backupTableHeader: "backup GPT header"
    case .gap: "gap"
    }
  }

  /// Whether it holds the records of a folder.
  var isDirectory: Bool { self == .directory || self == .jolietDirectory }
}
