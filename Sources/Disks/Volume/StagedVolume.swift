// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
package import HostSystem
package import SystemPackage

/// The volume as programs make it: in a file of the partition's size, which is holes for the most part.
///
/// dosfstools and mtools write nothing to a disk. What they made here is moved by `VolumeWriter`, in an order in which
/// a power cut between any two writes leaves what was there before as it was. Of a volume that exists already, only
/// tables and folders are in the file: a layer that stays is not moved.
package struct StagedVolume {
  package let image: FilePath
  package let size: Int64
  private let folder: FilePath
  /// Seconds since 1970 that new files are stamped with.
  private let timestamp: Int64

  /// By which a recovery partition is known, together with its folder `lifeboat`.
  package static let label = "LIFEBOATREC"
  /// FAT32 begins with 65,525 clusters, of 4 KiB here; smaller clusters would do for no image that exists.
  package static let clusterSize = 4096
  package static let least = ByteCount.mebibytes(260)
  /// More than any image needs, as large as Windows makes FAT32; its tables are held in memory.
  package static let most = ByteCount.mebibytes(32 << 10)
  /// What tables and folders take beside the files.
  package static func overhead(of size: ByteCount) -> ByteCount { ByteCount(size.bytes / 400 + 1 << 20) }

  /// What tables take in the file, however little is in the volume.
  package static func tables(of size: Int64) -> ByteCount { ByteCount(size / Int64(clusterSize) * 8 + 1 << 20) }

  /// Calls `body` with a folder that nobody else may look into, below `TMPDIR` or `/var/tmp`, and removes it.
  /// - Parameter needed: what is going to be written there.
  /// - Throws: `DiskFailure.noTemporarySpace`; `OperationFailure`; what `body` throws.
  package static func withFolder<Result>(
    needing needed: ByteCount = .zero, _ body: (FilePath) async throws -> Result
  ) async throws -> Result {
    let parent = FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp")
    try requireSpace(needed, in: parent)
    let folder = parent.appending("lifeboat-partition.\(String(UInt64.random(in: 0 ... .max), radix: 36))")
    guard mkdir(folder.string, 0o700) == 0 else {
      throw OperationFailure("create folder", folder, Errno(rawValue: errno))
    }
    defer { FileTree.remove(folder) }
    return try await body(folder)
  }

  package static func requireSpace(_ needed: ByteCount, in folder: FilePath) throws {
    var status = statvfs()
    // Some file systems do not say.
    guard statvfs(folder.string, &status) == 0, status.f_blocks > 0 else { return }
    let free = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
    guard needed.bytes <= Int64(clamping: free) else {
      throw DiskFailure.noTemporarySpace(folder, needed: needed, free: ByteCount(Int64(clamping: free)))
    }
  }

  /// Makes the file; empty.
  package init(in folder: FilePath, size: Int64, timestamp: Int64) throws {
    (self.folder, self.size, self.timestamp) = (folder, size, timestamp)
    image = folder.appending("volume")
    try OperationFailure.wrap("create", image) {
      let file = try FileDescriptor.open(
        image, .readWrite, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
      try file.closeAfter { try file.resize(to: size) }
    }
  }

  /// Tables and folders of the volume on the disk.
  package func load(_ source: any ByteSource) throws {
    let volume = try FATVolume(source, isLenient: true)
    let file = try FileBytes(image)
    let folders = volume.folders.flatMap { volume.ranges(of: $0) }
    for range in [volume.tableRange] + folders { try file.write(try source.bytes(range), at: range.lowerBound) }
  }

  /// What is in the file now.
  package func volume() throws -> FATVolume { try FATVolume(try FileBytes(image)) }

  /// An empty file system.
  /// - Parameters:
  ///   - sectorSize: the disk's.
  ///   - start: the partition's place on the disk, which boot code of a BIOS would look for.
  ///   - serial: its number.
  package func format(sectorSize: Int, start: Int64, serial: UInt32) async throws {
    try await Self.format(image, sectorSize: sectorSize, start: start, serial: serial).run()
  }

  package static func format(_ image: FilePath, sectorSize: Int, start: Int64, serial: UInt32) -> ExternalCommand {
    ExternalCommand(
      "mkfs.vfat",
      [
        "-F", "32", "-S", String(sectorSize), "-s", String(clusterSize / sectorSize), "-n", label, "-i",
        String(serial, radix: 16), "-h", String(min(start / Int64(sectorSize), Int64(UInt32.max))), image.string,
      ], package: "dosfstools")
  }

  /// Puts files into place; folders are made, and what stood under a name before is replaced.
  package func add(_ files: [(path: String, source: FilePath)]) async throws {
    let names = try volume().nodes
    var folders: [String] = []
    for file in files {
      for parent in Self.parents(of: file.path) where names[parent] == nil && !folders.contains(parent) {
        folders.append(parent)
      }
    }
    if !folders.isEmpty { try await mtool("mmd", folders).run() }
    for file in files {
      try await mtool("mcopy", ["-o", "-Q"], file.source.string, [file.path]).run()
    }
  }

  /// Takes files away.
  package func remove(files: [String]) async throws {
    if !files.isEmpty { try await mtool("mdel", files).run() }
  }

  /// Takes folders away with all that is in them.
  package func remove(folders: [String]) async throws {
    if !folders.isEmpty { try await mtool("mdeltree", folders).run() }
  }

  /// A name of the top folder, whose entries are not written to the disk while one of these is among them.
  package static func spare(_ index: Int) -> String { "SPARE.\(100 + index)" }

  /// Lets each two files have the other's content: their records change clusters, size and time of writing, and keep
  /// the rest (bytes 20 to 31, "Microsoft FAT Specification", section 6).
  package func exchange(_ pairs: [(String, String)]) throws {
    let (volume, file) = (try volume(), try FileBytes(image))
    func place(_ path: String) throws -> Range<Int64> {
      guard let record = volume.nodes[path]?.record else {
        throw DiskFailure.volumeDamaged(reason: "\(path) is not there")
      }
      return record + 20..<record + 32
    }
    for (first, second) in pairs {
      let places = (try place(first), try place(second))
      let bytes = (try file.bytes(places.0), try file.bytes(places.1))
      try file.write(bytes.1, at: places.0.lowerBound)
      try file.write(bytes.0, at: places.1.lowerBound)
    }
  }

  /// Mends what an interrupted update has left: clusters that belong to nothing, entries without clusters.
  package func mend() async throws {
    do { try await Self.check(image, ["-a"]).run() } catch ExternalCommand.Failure.failed(_, let status, _)
      where status.contains("1")
    {
      // Status 1: errors were found, and corrected.
    }
    // What was found without a name.
    try await remove(files: try volume().files.filter { $0.wholeMatch(of: /FSCK[0-9]{4}\.REC/) != nil })
    try await check()
  }

  /// Makes sure that fsck.fat finds nothing.
  package func check() async throws {
    do { try await Self.check(image, ["-n"]).run() } catch ExternalCommand.Failure.failed(_, _, let lines) {
      throw DiskFailure.volumeDamaged(reason: lines.suffix(3).joined(separator: "; "))
    }
  }

  package static func check(_ image: FilePath, _ options: [String]) -> ExternalCommand {
    ExternalCommand("fsck.fat", options + [image.string], environment: ["LC_ALL": "C"], package: "dosfstools")
  }

  private func mtool(_ program: String, _ options: [String] = [], _ source: String? = nil, _ paths: [String])
    -> ExternalCommand
  {
    ExternalCommand(
      program,
      options + ["-i", image.string] + (source.map { [$0] } ?? []) + paths.map { "::/" + $0 },
      environment: ["SOURCE_DATE_EPOCH": String(timestamp), "TZ": "UTC", "MTOOLSRC": "/dev/null"], package: "mtools")
  }

  private func mtool(_ program: String, _ paths: [String]) -> ExternalCommand { mtool(program, [], nil, paths) }

  package static func parents(of path: String) -> [String] {
    let parts = path.split(separator: "/").dropLast()
    return parts.indices.map { parts[...$0].joined(separator: "/") }
  }
}
