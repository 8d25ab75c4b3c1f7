// SPDX-License-Identifier: GPL-3.0-or-later
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

  /// Gives files that are there other content. Each name leads to all of the old content or to all of the new one at
  /// any moment: new content comes into free clusters, then each record changes with its sector, and then the clusters
  /// of the old content are given back. A power cut in between leaves clusters without a name, which the next update
  /// takes away.
  /// - Returns: bytes written.
  func replace(_ files: [RecoverySet.File], of set: RecoverySet) async throws -> Int64 {
    guard !files.isEmpty else { return 0 }
    let slots = try slots()
    return try await staged(slots, set, files) { staged, folder in
      // Names of the top folder, which none of these steps writes to the disk.
      let spare = files.indices.map { "SPARE.\(100 + $0)" }
      let file = folder.appending("file")
      for (name, each) in zip(spare, files) {
        try set.write(each, to: file)
        try await staged.add([(name, file)])
      }
      let writer = writer(slots)
      let content = try writer.writeContent(staged, files: spare)
      try staged.exchange(Array(zip(spare, files.map(\.path))))
      try await staged.remove(files: spare)
      try await staged.check()
      let records = try writer.writeRecords(staged, of: files.map(\.path))
      let now = try self.slots()
      let damage = try files.filter { try !now.isWhole($0.path, $0.digest) }.map(\.path)
      guard damage.isEmpty else { throw RecoveryPartitionFailure.slotDamaged(disk.path, files: damage) }
      return content + records
    }
  }
}
