// SPDX-License-Identifier: GPL-3.0-or-later

/// What the seal tells apart. The order is that of the digests in the seal: it never changes, see `StructureSeal`.
public enum SealedClass: String, Sendable, Codable, CaseIterable {
  case systemArea = "system-area"
  case primaryVolumeDescriptor = "primary-volume-descriptor"
  case otherVolumeDescriptors = "other-volume-descriptors"
  case pathTables = "path-tables"
  case directories = "directories"
  case joliet = "joliet"
  case bootCatalogue = "boot-catalogue"
  case patchedBootImageBytes = "patched-boot-image-bytes"
  case filePadding = "file-padding"
  case backupPartitionTable = "backup-partition-table"
  case everythingElse = "everything-else"
  case record = "record"
  case signature = "signature"
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
