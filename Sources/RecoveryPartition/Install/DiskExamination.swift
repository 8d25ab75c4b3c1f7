// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import DriveDiscovery
internal import HostSystem
internal import SystemPackage

/// What a disk has: its partitions, what is encrypted, and the recovery partition if there is one.
package struct DiskExamination: Sendable {
  /// Partitions and free space.
  package var layout: DiskLayout
  /// What is encrypted.
  package var encrypted: [EncryptedVolume]
  /// The recovery partition.
  package var recovery: DiskLayout.Partition?

  /// Looks at a disk; changes nothing.
  /// - Throws: `RecoveryPartitionFailure` for a disk that no partition can be added to, or whose table is not in order.
  package init(_ disk: Disk) throws { try self.init(disk, Probe.look(at: disk.path)) }

  /// - Parameter probe: what libblkid found. What it could not read is not taken for empty: an encrypted volume may be there.
  init(_ disk: Disk, _ probe: Probe) throws {
    guard probe.source == .device else {
      throw RecoveryPartitionFailure.unreadable(disk.path, number: nil, reason: probe.error)
    }
    if let type = probe.signatures.first(where: { probe.table == nil || $0.usage == "raid" || $0.usage == "crypto" })?
      .type
    {
      throw RecoveryPartitionFailure.wholeDisk(disk.path, type: type)
    }
    guard !probe.isAmbivalent else {
      throw RecoveryPartitionFailure.contradictory(disk.path, probe.signatures.map(\.type))
    }
    var layout = try PartitionTable(of: disk).layout()
    let entries = probe.table?.entries ?? []
    func signatures(_ partition: DiskLayout.Partition) throws -> [Probe.Signature] {
      // It holds others, and no content of its own.
      guard !partition.isExtended else { return [] }
      guard let found = entries.first(where: { $0.start == partition.start })?.signatures else {
        throw RecoveryPartitionFailure.unreadable(disk.path, number: partition.number, reason: nil)
      }
      return found
    }
    for index in layout.partitions.indices {
      layout.partitions[index].content = Self.words(try signatures(layout.partitions[index]))
    }
    self.layout = layout
    encrypted = DiskEncryption.volumes(of: disk, layout.partitions)
    recovery = try layout.partitions.first { partition in
      try signatures(partition).contains { $0.type == "vfat" && $0.label == StagedVolume.label }
    }
  }

  /// What lies on a partition: `ntfs "Windows"`; where signatures exclude each other, encryption comes first.
  static func words(_ signatures: [Probe.Signature]) -> String? {
    let ordered = signatures.filter { $0.usage == "crypto" } + signatures.filter { $0.usage != "crypto" }
    let words = ordered.map { signature in signature.label.map { "\(signature.type) \"\($0)\"" } ?? signature.type }
    return words.isEmpty ? nil : words.joined(separator: " and ")
  }

  /// Refuses a disk with BitLocker, unless somebody says that it is suspended and the metadata agrees.
  /// - Throws: `RecoveryPartitionFailure.bitLocker`.
  func requireNoActiveBitLocker(_ disk: FilePath, saidSuspended: Bool) throws {
    let volumes = encrypted.filter { $0.kind == .bitLocker }
    guard !volumes.isEmpty else { return }
    let refused = saidSuspended ? volumes.filter { $0.isSuspended != true } : volumes
    guard !refused.isEmpty else { return }
    let reason: RecoveryPartitionFailure.BitLockerRefusal =
      !saidSuspended ? .notSaid : refused.contains { $0.isSuspended == nil } ? .unreadable : .notSuspended
    throw RecoveryPartitionFailure.bitLocker(disk, refused.map(\.partition), reason)
  }

  /// Whether a volume of the disk is BitLocker's.
  package var hasBitLocker: Bool { encrypted.contains { $0.kind == .bitLocker } }
}
