// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// The files of a start through the boot record, on the file system of a recovery partition that nobody has mounted.
///
/// Programs change a copy of its tables and folders; what they made of it goes to the disk by `VolumeWriter`, so that at
/// any moment each name leads to all of its old content, to all of its new one, or to nothing.
struct BootRecordVolume {
  let partition: InstalledPartition
  let disk: any DiskAccess

  /// The volume of a partition; nothing is read.
  init(_ partition: InstalledPartition, on disk: any DiskAccess) { (self.partition, self.disk) = (partition, disk) }

  private var part: DiskPart { DiskPart(disk: disk, start: partition.start.bytes) }

  /// The volume as it is on the disk now.
  /// - Throws: `DiskFailure.volumeDamaged`.
  func volume() throws -> FATVolume { try FATVolume(part, isLenient: true) }

  /// Gives small files their content, new names first; one that holds the very same is left where it is.
  func put(_ files: [(name: String, content: [UInt8])]) async throws {
    let before = try volume()
    let wanted = files.filter { (try? before.content(of: $0.name)) != $0.content }
    guard !wanted.isEmpty else { return }
    try await change { staged, writer, folder in
      let old = try volume()
      let new = wanted.filter { old.nodes[$0.name] == nil }
      for file in new { try await add(file.content, file.name, to: staged, in: folder) }
      try await staged.check()
      _ = try writer.writeAddition(staged, to: old, files: new.map(\.name))
      let replaced = wanted.filter { old.nodes[$0.name] != nil }
      for (index, file) in replaced.enumerated() {
        try await add(file.content, StagedVolume.spare(index), to: staged, in: folder)
      }
      _ = try await writer.writeExchange(staged, of: replaced.map(\.name))
    }
    let now = try volume()
    guard wanted.allSatisfy({ (try? now.content(of: $0.name)) == $0.content }) else {
      throw BootEntryFailure.recordNotWritten(disk.path)
    }
  }

  /// Puts a file into place in one run of sectors, with the content that it has to have there.
  /// - Parameter content: what a file at this byte of the partition holds.
  /// - Returns: its first byte, counted from the beginning of the partition.
  func put(_ name: String, size: Int, content: (Int64) throws -> [UInt8]) async throws -> Int64 {
    if try volume().nodes[name] == nil {
      try await change { staged, writer, folder in
        let old = try volume()
        try await add([UInt8](repeating: 0, count: size), name, to: staged, in: folder)
        try await staged.check()
        let place = try self.place(of: name, size: size, in: try staged.volume())
        try FileBytes(staged.image).write(try content(place), at: place)
        _ = try writer.writeAddition(staged, to: old, files: [name])
      }
    }
    let place = try self.place(of: name, size: size, in: try volume())
    let wanted = try content(place)
    if try part.bytes(place..<place + Int64(size)) != wanted {
      try disk.write(wanted, at: partition.start.bytes + place)
      try disk.flush()
      guard try part.bytes(place..<place + Int64(size)) == wanted else {
        throw BootEntryFailure.recordNotWritten(disk.path)
      }
    }
    return place
  }

  private func place(of name: String, size: Int, in volume: FATVolume) throws -> Int64 {
    let ranges = volume.ranges(of: name)
    guard let place = ranges.first, ranges.count == 1, place.count >= size else {
      throw BootEntryFailure.recordRefused(disk.path, reason: "/\(name) lies in \(ranges.count) pieces")
    }
    return place.lowerBound
  }

  /// Removes a file, if it is there.
  func remove(_ name: String) async throws { try await remove { $0 == name } }

  /// Removes the core images that are not used any more.
  func removeCores(besides name: String) async throws {
    try await remove { $0.hasPrefix(BootRecordFiles.folder + "/core-") && $0 != name }
  }

  private func remove(_ isWanted: (String) -> Bool) async throws {
    let names = try volume().files.filter(isWanted)
    guard !names.isEmpty else { return }
    try await change { staged, writer, _ in
      let found = try staged.volume().nodes
      try await staged.remove(files: names.filter { found[$0] != nil })
      try await staged.check()
      _ = try writer.writeRemoval(staged)
    }
  }

  /// Removes all of it.
  func removeFolder() async throws {
    guard try volume().nodes[BootRecordFiles.folder] != nil else { return }
    try await change { staged, writer, _ in
      try await staged.remove(folders: [BootRecordFiles.folder])
      try await staged.check()
      _ = try writer.writeRemoval(staged)
    }
  }

  /// Calls `body` with tables and folders of the volume in a file. What an interruption left is mended on the disk before.
  private func change(_ body: (StagedVolume, VolumeWriter, FilePath) async throws -> Void) async throws {
    let size = partition.size.bytes
    // The core image is the largest of the files, with less than a mebibyte.
    try await StagedVolume.withFolder(needing: StagedVolume.tables(of: size) + .mebibytes(4)) { folder in
      let staged = try StagedVolume(in: folder, size: size, timestamp: Int64(time(nil)))
      try staged.load(part)
      try await staged.mend()
      let writer = VolumeWriter(disk: disk, start: partition.start.bytes) { _ in }
      _ = try writer.writeRemoval(staged)
      try await body(staged, writer, folder)
    }
  }

  private func add(_ bytes: [UInt8], _ name: String, to staged: StagedVolume, in folder: FilePath) async throws {
    let file = folder.appending("file")
    try AtomicFile.write(bytes, to: file)
    try await staged.add([(name, file)])
  }
}
