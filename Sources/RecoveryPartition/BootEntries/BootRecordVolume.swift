// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import SystemPackage

/// The files of a start through the boot record, on the file system of a recovery partition that nobody has mounted.
struct BootRecordVolume {
  let partition: InstalledPartition

  /// The volume of a partition; nothing is read.
  init(_ partition: InstalledPartition) { self.partition = partition }

  /// The volume as it is on the disk now.
  private func volume() throws -> FATVolume { try FATVolume(try Source(partition)) }

  /// A small file.
  /// - Throws: `RecoveryPartitionFailure.volumeDamaged` where it is not there.
  func content(_ name: String) throws -> [UInt8] { try volume().content(of: name) }

  /// Where a file lies, from the beginning of the partition; neighbours are joined.
  func ranges(_ name: String) throws -> [Range<Int64>] { try volume().ranges(of: name) }

  /// Writes a file; one that holds the very same is left where it is.
  func write(_ bytes: [UInt8], _ name: String) async throws {
    let volume = try volume()
    if (try? volume.content(of: name)) == bytes { return }
    if volume.nodes[BootRecordFiles.folder] == nil { try await mtools("mmd", ["::/" + BootRecordFiles.folder]) }
    try await FileTree.withPrivateFolder { scratch in
      let file = scratch.appending("file")
      try AtomicFile.write(bytes, to: file)
      try await mtools("mcopy", ["-o", file.string, "::/" + name])
    }
    try flush()
    guard try content(name) == bytes else { throw BootEntryFailure.recordNotWritten(partition.disk) }
  }

  /// Removes a file, if it is there.
  func remove(_ name: String) async throws {
    guard try volume().nodes[name] != nil else { return }
    try await mtools("mdel", ["::/" + name])
    try flush()
  }

  /// Removes the core images that are not used any more.
  func removeCores(besides name: String) async throws {
    let prefix = BootRecordFiles.folder + "/core-"
    let others = try volume().files.filter { $0.hasPrefix(prefix) && $0 != name }
    if !others.isEmpty { try await mtools("mdel", others.map { "::/" + $0 }) }
    try flush()
  }

  /// Removes all of it.
  func removeFolder() async throws {
    try await mtools("mdeltree", ["::/" + BootRecordFiles.folder])
    try flush()
  }

  private func mtools(_ program: String, _ arguments: [String]) async throws {
    let image = "\(partition.disk)@@\(partition.start.bytes)"
    try await ExternalCommand(
      program, ["-i", image] + arguments, environment: ["MTOOLS_SKIP_CHECK": "1"], package: "mtools"
    ).run()
  }

  private func flush() throws {
    let disk = try BootDisk(partition.disk, writable: true)
    defer { disk.close() }
    try disk.flush()
  }

  /// Bytes of the partition, from the disk each time.
  private final class Source: ByteSource {
    private let disk: BootDisk
    private let start: Int64

    init(_ partition: InstalledPartition) throws {
      disk = try BootDisk(partition.disk, writable: false)
      start = partition.start.bytes
    }

    deinit { disk.close() }

    func bytes(_ range: Range<Int64>) throws -> [UInt8] {
      try disk.read(at: start + range.lowerBound, count: range.count)
    }
  }
}
