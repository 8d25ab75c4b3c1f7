// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// An image file of a disk with partitions in it, and what foreign programs say of it.
struct DiskImage {
  let folder: TemporaryFolder
  let path: FilePath

  /// Makes a disk by a script of sfdisk's.
  /// - Parameter data: byte ranges that get noise.
  init(_ script: String, mebibytes: Int = 640, data: [Range<Int>] = []) async throws {
    folder = try TemporaryFolder()
    path = try ImageMaker.sparse(folder.appending("disk"), size: mebibytes << 20, data: data)
    guard !script.isEmpty else { return }
    let outcome = try await Tool.run("sfdisk", ["--quiet", path.string], input: Array(script.utf8))
    guard outcome.status == 0 else { throw Unusable(text: outcome.description) }
  }

  struct Unusable: Error { var text: String }

  /// A computer with Windows: EFI system partition, Microsoft's reserved one, data, and free space behind.
  static let windows = """
    label: gpt
    start=2048, size=204800, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="EFI"
    start=206848, size=32768, type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE, name="MSR"
    start=239616, size=409600, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="Windows"
    """
  /// Where its partitions lie.
  static let windowsData = [1 << 20..<2 << 20, 117 << 20..<120 << 20, 316 << 20..<317 << 20]

  /// The installer, as of a command that holds the disk.
  func installer(_ disk: Disk? = nil, at path: FilePath? = nil) throws -> RecoveryInstaller {
    RecoveryInstaller(
      try disk ?? Disk(path ?? self.path, isWriting: true), registration: ImageBoot()
    ) { _ in }
  }

  /// Installs a medium.
  @discardableResult
  func install(
    _ medium: FilePath, _ request: RecoveryInstaller.Request = .init(size: .mebibytes(300)), on path: FilePath? = nil
  )
    async throws -> RecoveryInstaller.Installation
  {
    let set = try await RecoverySet(medium, key: nil) { _ in }
    let installer = try installer(at: path)
    return try await installer.install(set, try await installer.plan(set, request))
  }

  @discardableResult
  func update(_ medium: FilePath, _ consent: RecoveryInstaller.Consent = .init()) async throws
    -> RecoveryInstaller.Update
  {
    let set = try await RecoverySet(medium, key: nil) { _ in }
    return try await installer().update(to: set, allowing: consent)
  }

  /// The digest of a range.
  func digest(_ range: Range<Int>, of path: FilePath? = nil) throws -> Digest {
    let disk = try Disk(path ?? self.path, isWriting: false)
    return Digest(of: try disk.bytes(Int64(range.lowerBound)..<Int64(range.upperBound)))
  }

  /// What sfdisk says of the table.
  func table() async throws -> String {
    try await Tool.run("sfdisk", ["--dump", path.string]).output
  }

  /// A file of the recovery partition, by mtools.
  func file(_ name: String, at start: ByteCount) async throws -> [UInt8] {
    let outcome = try await Tool.run(
      "mtype", ["-i", "\(path)@@\(start.bytes)", "::/\(name)"], environment: ["MTOOLSRC": "/dev/null"])
    guard outcome.status == 0 else { throw Unusable(text: outcome.errors) }
    return outcome.bytes
  }

  /// Takes the partition out of the image.
  func extract(_ partition: InstalledPartition) async throws -> FilePath {
    let copy = folder.appending("partition")
    let outcome = try await Tool.run(
      "dd",
      [
        "if=\(path)", "of=\(copy)", "bs=1M", "conv=sparse", "iflag=skip_bytes,count_bytes",
        "skip=\(partition.start.bytes)", "count=\(partition.size.bytes)",
      ])
    guard outcome.status == 0 else { throw Unusable(text: outcome.errors) }
    return copy
  }

  /// fsck.fat finds nothing.
  func requireCleanVolume(_ partition: InstalledPartition) async throws {
    let outcome = try await Tool.run("fsck.fat", ["-n", "-v", try await extract(partition).string])
    #expect(outcome.status == 0, "\(outcome)")
  }
}
