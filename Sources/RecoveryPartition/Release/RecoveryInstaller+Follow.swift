// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
package import SystemPackage

extension RecoveryInstaller {
  /// What asking a server has come to.
  package enum Followed: Sendable {
    /// The partition starts what the server has.
    case current(Release)
    /// The partition was updated.
    case updated(Release, download: ReleaseDownload.Result, update: Update)
  }

  /// Asks a server for a newer release, fetches what the partition lacks of it, and updates the other slot.
  /// - Parameter folder: for the medium while it is put together.
  /// - Throws: `ReleaseFailure`; what `update` throws.
  package func follow(
    _ server: ReleaseServer, in folder: FilePath, allowing consent: Consent
  ) async throws -> Followed {
    guard let key = try installedKey() else { throw ReleaseFailure.noKey }
    let release = try await server.release(signedBy: key)
    let slots = try slots()
    if slots.state.current == release.identifier { return .current(release) }
    if let record = slots.record(slots.state.current) {
      if record.image != release.image, !consent.otherImage {
        throw RecoveryPartitionFailure.otherImage(installed: record.image, new: release.image)
      }
      if record.timestamp > release.timestamp, !consent.downgrade {
        throw RecoveryPartitionFailure.older(image: release.image)
      }
    }
    let download = try await ReleaseDownload(release, from: server, in: folder)
      .run(having: slots.content, progress: progress)
    defer { FileTree.remove(download.file) }
    let update = try await HostFile.withPrivateFolder { folder in
      let file = folder.appending("site-key.pub")
      try AtomicFile.write(key, to: file)
      let set = try await RecoverySet(download.file, key: file, progress: progress)
      guard set.identifier == release.identifier else {
        throw ReleaseFailure.otherMedium(identifier: set.identifier, expected: release.identifier)
      }
      return try await self.update(to: set, allowing: consent)
    }
    return .updated(release, download: download, update: update)
  }
}

extension InstalledSlots {
  /// Hands out a file of either slot by its digest.
  func content(_ digest: Digest, _ take: ([UInt8]) throws -> Void) throws -> Bool {
    guard let path = path(of: digest) else { return false }
    do { try volume.read(path, take) } catch is RecoveryPartitionFailure { return false }
    return true
  }
}
