// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
internal import BootAssembly
internal import HostSystem
internal import Signing
package import SystemPackage

extension RecoveryInstaller {
  /// What asking a server has come to.
  package enum Followed: Sendable {
    /// The partition starts what the server has.
    case current(Release)
    /// The server has the version before, which somebody has gone back from.
    case declined(Release)
    /// The partition was updated.
    case updated(Release, download: ReleaseDownload.Result, update: Update)
  }

  /// What a server's release is to the partition.
  package enum Outlook: Sendable, Equatable { case current, declined, wanted }

  /// Asks a server for its release; changes nothing.
  /// - Throws: `ReleaseFailure`; `RecoveryPartitionFailure.otherImage`, `.older`, `.absent`.
  package func look(
    at server: ReleaseServer, allowing consent: Consent
  ) async throws -> (release: Release, outlook: Outlook) {
    let slots = try slots()
    guard let key = slots.key else { throw ReleaseFailure.noKey }
    let release = try await server.release(signedBy: key)
    let state = slots.state
    if state.current == release.identifier {
      // What is damaged is mended; what was found damaged at a start is read and compared again.
      let isWhole = try state.bad != state.current && slots.damage(of: state.current).isEmpty
      return (release, isWhole ? .current : .wanted)
    }
    // It is also the version before where it was damaged, and an update to mend it was interrupted.
    if state.previous == release.identifier, state.bad != release.identifier, !consent.declined {
      return (release, .declined)
    }
    if let record = slots.record(state.current) {
      if record.image != release.image, !consent.otherImage {
        throw RecoveryPartitionFailure.otherImage(installed: record.image, new: release.image)
      }
      if record.timestamp > release.timestamp, !consent.downgrade {
        throw RecoveryPartitionFailure.older(image: release.image)
      }
    }
    return (release, .wanted)
  }

  /// Asks a server for a newer release, fetches what the partition lacks of it, and updates the other slot.
  /// - Parameter folder: for the medium while it is put together.
  /// - Throws: `ReleaseFailure`; what `update` throws.
  package func follow(
    _ server: ReleaseServer, in folder: FilePath, allowing consent: Consent
  ) async throws -> Followed {
    let (release, outlook) = try await look(at: server, allowing: consent)
    switch outlook {
    case .current: return .current(release)
    case .declined: return .declined(release)
    case .wanted: break
    }
    let slots = try slots()
    guard let key = slots.key else { throw ReleaseFailure.noKey }
    let download = try await ReleaseDownload(release, from: server, in: folder)
      .run(having: slots.content, progress: progress)
    defer { FileTree.remove(download.file) }
    let update = try await FileTree.withPrivateFolder { folder in
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
    do { try volume.read(path, take) } catch is DiskFailure { return false }
    return true
  }
}
