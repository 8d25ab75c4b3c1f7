// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import HostSystem
internal import SystemPackage

/// A partition whose content is encrypted.
package struct EncryptedVolume: Sendable, Equatable, Codable {
  /// The partition's number.
  package var partition: Int
  /// Who encrypted it.
  package var kind: Kind
  /// Of BitLocker: whether a clear key is there, which means that it is suspended; nil where that cannot be told.
  package var isSuspended: Bool?

  /// A way of encryption.
  package enum Kind: String, Sendable, Codable {
    case bitLocker = "BitLocker"
    case luks = "LUKS"
    case apfs = "APFS"
    case coreStorage = "CoreStorage"
  }

  /// For a person.
  package var words: String {
    switch (kind, isSuspended) {
    case (.bitLocker, true): "partition \(partition): BitLocker, suspended (a clear key is there)"
    case (.bitLocker, false): "partition \(partition): BitLocker, active"
    case (.bitLocker, nil): "partition \(partition): BitLocker, state unknown"
    default: "partition \(partition): \(kind.rawValue)"
    }
  }
}

/// Finds what is encrypted on a disk; nothing of it is touched when a partition is added beside it.
enum DiskEncryption {
  /// CoreStorage has no signature that libblkid knows; FileVault 2 of macOS before 10.13 lies in it.
  private static let coreStorage = "53746F72-6167-11AA-AA11-00306543ECAC"

  static func volumes(of disk: any DiskAccess, _ partitions: [DiskLayout.Partition]) -> [EncryptedVolume] {
    partitions.compactMap { partition in
      let content = partition.content ?? ""
      if content.hasPrefix("BitLocker") {
        let metadata = metadata(of: DiskPart(disk: disk, start: partition.start.bytes), size: partition.size)
        return EncryptedVolume(partition: partition.number, kind: .bitLocker, isSuspended: metadata?.hasClearKey)
      }
      let kind: EncryptedVolume.Kind? =
        content.hasPrefix("crypto_LUKS")
        ? .luks : content.hasPrefix("apfs") ? .apfs : partition.type == coreStorage ? .coreStorage : nil
      return kind.map { EncryptedVolume(partition: partition.number, kind: $0, isSuspended: nil) }
    }
  }

  /// The first copy of the metadata that can be read.
  private static func metadata(of volume: any ByteSource, size: ByteCount) -> BitLockerMetadata? {
    guard let sector = try? volume.bytes(0..<512) else { return nil }
    for offset in BitLockerMetadata.offsets(sector)
    where offset > 0 && offset <= size.bytes - Int64(BitLockerMetadata.size) {
      if let block = try? volume.bytes(offset..<offset + Int64(BitLockerMetadata.size)),
        let metadata = BitLockerMetadata(block)
      {
        return metadata
      }
    }
    return nil
  }
}
