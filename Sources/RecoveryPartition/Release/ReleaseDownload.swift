// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
@preconcurrency internal import Glibc
package import HostSystem
package import SystemPackage

/// The ISO file of a release, put together of what is here already and what the server sends.
///
///     FOLDER/ID.iso.part       pieces in their places; what is right already is not fetched again
///     FOLDER/ID.OFFSET.part    the piece that is being fetched, in whole portions
///     FOLDER/NAME.iso          when all of it is right
package struct ReleaseDownload: Sendable {
  package let server: ReleaseServer
  package let release: Release
  /// Kept from one try to the next.
  package let folder: FilePath

  /// What was done.
  package struct Result: Sendable, Equatable {
    /// The ISO file.
    package var file: FilePath
    /// Bytes that the server sent in this run.
    package var fetched: ByteCount
    /// Bytes that were here before.
    package var reused: ByteCount
  }

  /// Hands out the bytes of some content by its digest, where they are at hand; returns false where they are not.
  package typealias Source = (_ digest: Digest, _ take: ([UInt8]) throws -> Void) throws -> Bool

  package init(_ release: Release, from server: ReleaseServer, in folder: FilePath) {
    (self.release, self.server, self.folder) = (release, server, folder)
  }

  private var unfinished: FilePath { folder.appending("\(release.identifier).iso.part") }

  /// Makes the file.
  /// - Throws: `ReleaseFailure`, `OperationFailure`, `ExternalCommand.Failure.notInstalled`, `CancellationError`.
  package func run(having source: Source, progress: ProgressEvent.Handler) async throws -> Result {
    try FileTree.makeFolder(folder)
    removeOthers()
    let file = try OperationFailure.wrap("create", unfinished) {
      try FileDescriptor.open(
        unfinished, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
    }
    defer { try? file.close() }
    try OperationFailure.wrap("write", unfinished) { try file.resize(to: release.size.bytes) }
    let step = "fetch \(release.file)"
    progress(.started(step: step, total: release.size))
    var result = Result(file: folder.appending(release.file), fetched: .zero, reused: .zero)
    for piece in release.pieces {
      try Task.checkCancellation()
      if try isRight(piece, in: file) {
        result.reused += piece.size
      } else if try take(piece, from: source, into: file) {
        result.reused += piece.size
      } else {
        result.fetched += try await fetch(piece, into: file)
      }
      progress(.advanced(step: step, done: piece.offset + piece.size, total: release.size))
    }
    guard fsync(file.rawValue) == 0 else { throw OperationFailure("write", unfinished, Errno(rawValue: errno)) }
    try OperationFailure.wrap("rename", unfinished) { try AtomicFile.move(unfinished, to: result.file) }
    progress(.finished(step: step, produced: release.size))
    return result
  }

  /// What earlier releases have left.
  private func removeOthers() {
    for name in FileTree.names(in: folder) where !name.hasPrefix("\(release.identifier).") {
      FileTree.remove(folder.appending(name))
    }
  }

  private func isRight(_ piece: Release.Piece, in file: FileDescriptor) throws -> Bool {
    var hasher = Digest.Hasher()
    var offset = piece.offset.bytes
    let end = offset + piece.size.bytes
    while offset < end {
      let bytes = try readBytes(file, offset..<min(end, offset + 1 << 20), unfinished)
      // What was never written reads as zeros: most of it is told apart by its first bytes alone.
      hasher.update(bytes)
      offset += Int64(bytes.count)
    }
    return hasher.finish() == piece.sha256
  }

  private func write(_ bytes: [UInt8], at offset: inout Int64, into file: FileDescriptor) throws {
    try OperationFailure.wrap("write", unfinished) { _ = try file.writeAll(toAbsoluteOffset: offset, bytes) }
    offset += Int64(bytes.count)
  }

  /// A piece that the recovery partition has.
  private func take(_ piece: Release.Piece, from source: Source, into file: FileDescriptor) throws -> Bool {
    var offset = piece.offset.bytes
    let end = offset + piece.size.bytes
    let found = try source(piece.sha256) { bytes in
      if offset + Int64(bytes.count) <= end { try write(bytes, at: &offset, into: file) }
    }
    return try found && isRight(piece, in: file)
  }

  /// A piece that the server has; returns how much it sent.
  private func fetch(_ piece: Release.Piece, into file: FileDescriptor) async throws -> ByteCount {
    let kept = folder.appending("\(release.identifier).\(piece.offset.bytes).part")
    let portion = folder.appending("\(release.identifier).portion")
    defer { FileTree.remove(portion) }
    var done = FileTree.status(of: kept)?.size ?? 0
    if done > piece.size.bytes || done % ReleaseServer.portion != 0 {
      FileTree.remove(kept)
      done = 0
    }
    var fetched: Int64 = 0
    while done < piece.size.bytes {
      let start = piece.offset.bytes + done
      let range = start..<min(piece.offset.bytes + piece.size.bytes, start + ReleaseServer.portion)
      try await server.part(range, of: release.file, to: portion)
      try append(portion, to: kept)
      done += Int64(range.count)
      fetched += Int64(range.count)
    }
    var offset = piece.offset.bytes
    try pieces(of: kept) { try write($0, at: &offset, into: file) }
    FileTree.remove(kept)
    guard try isRight(piece, in: file) else {
      throw ReleaseFailure.pieceDiffers(file: release.file, offset: piece.offset)
    }
    return ByteCount(fetched)
  }

  private func append(_ portion: FilePath, to kept: FilePath) throws {
    let target = try OperationFailure.wrap("create", kept) {
      try FileDescriptor.open(
        kept, .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
    }
    defer { try? target.close() }
    try pieces(of: portion) { bytes in
      try OperationFailure.wrap("write", kept) { _ = try target.writeAll(bytes) }
    }
  }

  private func pieces(of path: FilePath, _ body: ([UInt8]) throws -> Void) throws {
    let size = FileTree.status(of: path)?.size ?? 0
    let file = try OperationFailure.wrap("open", path) {
      try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    }
    defer { try? file.close() }
    for start in stride(from: 0, to: size, by: 1 << 20) {
      try body(try readBytes(file, start..<min(size, start + 1 << 20), path))
    }
  }
}
