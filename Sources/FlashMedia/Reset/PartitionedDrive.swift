// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// A whole drive with a new file system in one of its partitions, as an image of which only what mkfs wrote, the ends
/// and what has to be erased are moved.
struct PartitionedDrive {
  /// The drive's bytes.
  var size: Int64
  /// Where the file system goes.
  var partition: Range<Int64>
  /// What is set to zero where nothing is written.
  var wiped: [Range<Int64>]
  /// Its first bytes.
  var head: [UInt8]
  /// Its last bytes.
  var tail: [UInt8] = []

  /// Makes the image: files of the drive's size that are holes for the most part.
  /// - Parameter format: the program that makes the file system in a file.
  /// - Throws: `ExternalCommand.Failure`; `OperationFailure` where there is no room.
  func source(in folder: FilePath, format: (FilePath) -> ExternalCommand) async throws -> OpenedSource {
    let part = folder.appending("partition")
    let image = folder.appending("drive")
    let length = partition.upperBound - partition.lowerBound
    try Self.create(part, size: length).close()
    try await format(part).run()
    let file = try Self.create(image, size: size)
    defer { try? file.close() }
    let formatted = try OperationFailure.wrap("open", part) {
      try FileDescriptor.open(part, .readOnly, options: .closeOnExec)
    }
    defer { try? formatted.close() }
    let written = try OpenedSource.data(formatted, size: length, part)
    try OperationFailure.wrap("write", image) {
      try Self.copy(written, of: formatted, to: file, at: partition.lowerBound)
      try file.writeAll(toAbsoluteOffset: 0, head)
      try file.writeAll(toAbsoluteOffset: size - Int64(tail.count), tail)
    }
    let start = partition.lowerBound
    let data =
      [0..<Int64(head.count)] + written.map { $0.lowerBound + start..<$0.upperBound + start }
      + [size - Int64(tail.count)..<size]
    return OpenedSource(
      image, size: ByteCount(size), pieces: PiecePlan.pieces(size: size, data: data, zeroing: wiped))
  }

  private static func create(_ path: FilePath, size: Int64) throws -> FileDescriptor {
    try OperationFailure.wrap("create", path) {
      let file = try FileDescriptor.open(
        path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
      do { try file.resize(to: size) } catch {
        try? file.close()
        throw error
      }
      return file
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
