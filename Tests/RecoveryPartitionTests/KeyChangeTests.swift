// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// `--key` of an update is the key from then on.
@Suite struct KeyChangeTests {
  private func publicKey(_ key: SmallMedia.Key) async throws -> String {
    try await SmallMedia.shared.key(key).string + ".pub"
  }

  private func update(_ disk: DiskImage, _ medium: FilePath, _ more: String...) async throws -> TestSupport.Tool.Outcome
  {
    try await Repository.lifeboat(
      ["install", "--update", medium.string, "--disk", disk.path.string, "--yes", "--json"] + more)
  }

  @Test(arguments: [SmallMedia.Key?.some(.site), nil]) func anUpdateChangesTheKey(first: SmallMedia.Key?) async throws {
    let disk = try await DiskImage(DiskImage.windows)
    var request = RecoveryInstaller.Request(size: .mebibytes(300))
    if let first { request.key = try FileTree.bytes(of: FilePath(try await publicKey(first))) }
    let done = try await disk.install(try await SmallMedia.shared.iso(), request)
    let (new, other) = (try await SmallMedia.shared.iso(number: 2, signedBy: .other), try await publicKey(.other))
    let updated = try await update(disk, new, "--key", other)
    #expect(updated.status == 0, "\(updated)")
    #expect(try disk.installer().installedKey() == FileTree.bytes(of: FilePath(other)))
    #expect(
      try await disk.file(InstalledSlots.keyPath, at: done.partition.start) == FileTree.bytes(of: FilePath(other)))
    try await disk.requireCleanVolume(done.partition)

    let unchanged = try await update(disk, new)
    #expect(unchanged.status == 0 && unchanged.output.contains("\"unchanged\""), "\(unchanged)")
    let old = try await update(disk, try await SmallMedia.shared.iso(number: 3))
    #expect(old.status == 3 && old.output.contains("\"not-trusted\""), "\(old)")
    // An installation once more is an update too, also of a medium that says it is the one that starts.
    let forged = try await SmallMedia.shared.iso(number: 2, signedBy: nil)
    let again = try await Repository.lifeboat(
      ["install", forged.string, "--size", "300M", "--disk", disk.path.string, "--yes", "--json"])
    #expect(again.status == 3 && again.output.contains("\"not-trusted\""), "\(again)")
    let next = try await update(disk, try await SmallMedia.shared.iso(number: 4, signedBy: .other))
    #expect(next.status == 0 && next.output.contains("\"updated\""), "\(next)")
  }
}
