// SPDX-License-Identifier: GPL-3.0-or-later

/// What a range of bytes on a medium is, apart from the content of files.
public enum ImageStructure: String, Sendable, Codable, CaseIterable {
  case masterBootRecord = "master-boot-record"
  case primaryTableHeader = "gpt-header"
  case primaryTableEntries = "gpt-entries"
  case systemArea = "system-area"
  case primaryVolumeDescriptor = "primary-volume-descriptor"
  case jolietVolumeDescriptor = "joliet-volume-descriptor"
  case bootRecord = "boot-record-descriptor"
  case descriptorTerminator = "descriptor-terminator"
  case otherVolumeDescriptor = "other-volume-descriptor"
  case pathTable = "path-table"
  case directory = "directory"
  case continuationArea = "rock-ridge-continuation"
  case jolietPathTable = "joliet-path-table"
  case jolietDirectory = "joliet-directory"
  case bootCatalogue = "boot-catalogue"
  case filePadding = "file-padding"
  case partition
  case bootImage = "boot-image"
  case backupTableEntries = "backup-gpt-entries"
  case backupTableHeader = "backup-gpt-header"
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
}
