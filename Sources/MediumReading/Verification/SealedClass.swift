// SPDX-License-Identifier: GPL-3.0-or-later

/// What the seal tells apart. The order is that of the digests in the seal: it never changes, see `StructureSeal`.
public enum SealedClass: String, Sendable, Codable, CaseIterable {
  /// The first 32 KiB: boot code, MBR, primary GPT.
  case systemArea = "system-area"
  /// The descriptor at byte 32,768, which holds the seal itself; the seal's field counts as zeros.
  case primaryVolumeDescriptor = "primary-volume-descriptor"
  /// All other volume descriptors, those of the second set among them.
  case otherVolumeDescriptors = "other-volume-descriptors"
  /// The path tables of the ISO 9660 trees.
  case pathTables = "path-tables"
  /// Folders of the ISO 9660 trees with their Rock Ridge continuation areas.
  case directories = "directories"
  /// Folders and path tables of the Joliet trees.
  case joliet = "joliet"
  /// El Torito's catalogue.
  case bootCatalogue = "boot-catalogue"
  /// The ranges of boot images that the ISO writer fills in and the record masks.
  case patchedBootImageBytes = "patched-boot-image-bytes"
  /// From the end of each file to the end of its block.
  case filePadding = "file-padding"
  /// The copy of the GPT at the end of the image.
  case backupPartitionTable = "backup-partition-table"
  /// Gaps, and what lies in partitions outside of the EFI system partition's image.
  case everythingElse = "everything-else"
  /// The content of `lifeboat.json`, which cannot list itself.
  case record = "record"
  /// The content of `lifeboat.json.sig`, which is made after the record.
  case signature = "signature"
  /// The content of `sha256sum.txt` where the record does not list it.
  case checksumList = "checksum-list"

  /// For people.
  public var title: String {
    switch self {
    case .systemArea: "system area (boot code, MBR, GPT)"
    case .primaryVolumeDescriptor: "primary volume descriptor"
    case .otherVolumeDescriptors: "other volume descriptors"
    case .pathTables: "path tables"
    case .directories: "directories"
    case .joliet: "Joliet directories and path tables"
    case .bootCatalogue: "El Torito boot catalogue"
    case .patchedBootImageBytes: "patched bytes of the boot image"
    case .filePadding: "padding after files"
    case .backupPartitionTable: "backup GPT"
    case .everythingElse: "space between structures"
    case .record: "/lifeboat.json"
    case .signature: "/lifeboat.json.sig"
    case .checksumList: "/sha256sum.txt"
    }
  }

  var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  /// The class of a structure that lies at an offset.
  init(_ structure: ImageStructure, at offset: Int64) {
    switch structure {
    case .masterBootRecord, .primaryTableHeader, .primaryTableEntries, .systemArea: self = .systemArea
    case .primaryVolumeDescriptor: self = offset == 32768 ? .primaryVolumeDescriptor : .otherVolumeDescriptors
    case .jolietVolumeDescriptor, .bootRecord, .descriptorTerminator, .otherVolumeDescriptor:
      self = .otherVolumeDescriptors
    case .pathTable: self = .pathTables
    case .directory, .continuationArea: self = .directories
    case .jolietPathTable, .jolietDirectory: self = .joliet
    case .bootCatalogue: self = .bootCatalogue
    case .filePadding: self = .filePadding
    case .backupTableEntries, .backupTableHeader: self = .backupPartitionTable
    case .partition, .bootImage, .gap: self = .everythingElse
    }
  }
}
