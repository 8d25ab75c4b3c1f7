// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// What a drive is to hold, put together by programs in a file of the drive's size that is holes for the most part.
///
/// So no program but Lifeboat writes to a drive, and only what was written into the file is moved to it.
struct DriveFile {
  /// The file.
  let path: FilePath
  /// The drive's bytes.
  let size: Int64
  private let folder: FilePath

  /// Creates the file in a folder that is for this drive alone.
  /// - Throws: `OperationFailure` where there is no room.
  init(_ name: String = "drive", in folder: FilePath, size: Int64) throws {
    (self.folder, self.size, path) = (folder, size, folder.appending(name))
    try Self.create(path, size: size)
  }

  /// Calls `body` with a new folder, which nobody else may look into, and removes it.
  /// - Throws: what `body` throws; `OperationFailure` where a folder cannot be made.
  static func withFolder<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    let folder = FilePath(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")
      .appending("lifeboat-drive.\(String(UInt64.random(in: 0 ... .max), radix: 36))")
    guard mkdir(folder.string, 0o700) == 0 else {
      throw OperationFailure("create folder", folder, Errno(rawValue: errno))
    }
    defer { FileTree.remove(folder) }
    return try await body(folder)
  }

  /// Puts bytes into place.
  /// - Throws: `OperationFailure`.
  func write(_ bytes: [UInt8], at offset: Int64) throws {
    try OperationFailure.wrap("write", path) {
      let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
      _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: offset, bytes) }
    }
  }

  /// The bytes of a range.
  /// - Throws: `OperationFailure`.
  func bytes(_ range: Range<Int64>) throws -> [UInt8] {
    try OperationFailure.wrap("read", path) {
      let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      let buffer = AlignedBuffer(count: range.count)
      return try file.closeAfter {
        buffer.bytes(0..<(try buffer.read(0..<range.count, from: file, at: range.lowerBound)))
      }
    }
  }

  /// Has a file system made in a file of a partition's size, and copies what was written into the partition.
  /// - Parameter commands: the programs that make it, in their order.
  /// - Returns: the ranges of the drive that hold it.
  /// - Throws: `ExternalCommand.Failure`; `OperationFailure` where there is no room.
  func format(_ partition: Range<Int64>, with commands: (FilePath) -> [ExternalCommand]) async throws -> [Range<Int64>]
  {
    let part = folder.appending("partition")
    let length = partition.upperBound - partition.lowerBound
    try Self.create(part, size: length)
    defer { FileTree.remove(part) }
    for command in commands(part) { try await command.run() }
    let formatted = try OperationFailure.wrap("open", part) {
      try FileDescriptor.open(part, .readOnly, options: .closeOnExec)
    }
    defer { try? formatted.close() }
    let written = formatted.dataRanges(size: length)
    try OperationFailure.wrap("write", path) {
      let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
      try file.closeAfter { try Self.copy(written, of: formatted, to: file, at: partition.lowerBound) }
    }
    return written.map { $0.lowerBound + partition.lowerBound..<$0.upperBound + partition.lowerBound }
  }

  private static func create(_ path: FilePath, size: Int64) throws {
    try OperationFailure.wrap("create", path) {
      let file = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
      try file.closeAfter { try file.resize(to: size) }
    }
  }

  private static func copy(
    _ ranges: [Range<Int64>], of source: FileDescriptor, to target: FileDescriptor, at offset: Int64
  ) throws(Errno) {
    let buffer = AlignedBuffer(count: PiecePlan.size)
    for range in ranges {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: buffer.count) {
        let count = try buffer.read(
          0..<Int(min(range.upperBound - start, Int64(buffer.count))), from: source, at: start)
        try buffer.write(0..<count, to: target, at: start + offset)
      }
    }
  }
}
