// SPDX-License-Identifier: GPL-3.0-or-later
import SystemPackage

@testable import BootEntries
@testable import Disks

/// Boot entries as of a command that opens the partition's disk, holds it for the call, and gives it back.
extension BootRegistration {
  private func disk(_ partition: InstalledPartition, isWriting: Bool) -> any DiskAccess {
    (try? Disk(partition.disk, isWriting: isWriting)) ?? NoDisk(path: partition.disk)
  }

  func plan(_ partition: InstalledPartition, _ wish: BootWish) async throws -> [String] {
    try await plan(partition, on: disk(partition, isWriting: false), wish)
  }
  func register(_ partition: InstalledPartition, _ wish: BootWish) async throws -> [BootEntry] {
    try await register(partition, on: disk(partition, isWriting: true), wish)
  }
  func status(of partition: InstalledPartition) async throws -> [BootEntry] {
    try await status(of: partition, on: disk(partition, isWriting: false))
  }
  func unregister(_ partition: InstalledPartition) async throws -> [BootEntry] {
    try await unregister(partition, on: disk(partition, isWriting: true))
  }
}

/// For entries that need no disk.
private struct NoDisk: DiskAccess {
  let path: FilePath
  func bytes(_ range: Range<Int64>) throws -> [UInt8] { throw Errno.noSuchFileOrDirectory }
  func write(_ bytes: [UInt8], at offset: Int64) throws { throw Errno.noSuchFileOrDirectory }
  func flush() throws { throw Errno.noSuchFileOrDirectory }
}
