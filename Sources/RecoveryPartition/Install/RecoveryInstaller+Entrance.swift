// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import BootAssembly
internal import HostSystem
internal import Signing
internal import SystemPackage

/// Loaders and chooser, which both versions start by.
extension RecoveryInstaller {
  /// What a set would change of them. An older set changes nothing: firmware may have been told meanwhile that the older
  /// loaders are revoked.
  func newEntrance(of set: RecoverySet, _ slots: InstalledSlots) async throws -> [RecoverySet.File] {
    let newest = slots.state.slots.compactMap { slots.record($0)?.timestamp }.max() ?? 0
    guard set.timestamp >= newest else { return [] }
    return try await StagedVolume.withFolder(needing: set.systemPartitionSize + set.systemPartitionSize) { folder in
      try await set.entrance(
        serial: slots.volume.geometry.serial, hotkeyDelay: slots.hotkeyDelay, scratch: folder
      ).filter { try !slots.isWhole($0.path, $0.digest) }
    }
  }

  /// Gives files that are there other content.
  /// - Returns: bytes written.
  func replace(_ files: [RecoverySet.File], of set: RecoverySet) async throws -> Int64 {
    guard !files.isEmpty else { return 0 }
    let slots = try slots()
    return try await staged(slots, set, files) { staged, folder in
      let file = folder.appending("file")
      for (index, each) in files.enumerated() {
        try set.write(each, to: file)
        try await staged.add([(StagedVolume.spare(index), file)])
      }
      let written = try await writer(slots).writeExchange(staged, of: files.map(\.path))
      let now = try self.slots()
      let damage = try files.filter { try !now.isWhole($0.path, $0.digest) }.map(\.path)
      guard damage.isEmpty else { throw RecoveryPartitionFailure.slotDamaged(disk.path, files: damage) }
      return written
    }
  }
}
