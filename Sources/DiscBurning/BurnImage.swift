// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
internal import MediumReading
public import SystemPackage

/// An image that is whole and may be burnt.
public struct BurnImage: Sendable {
  /// Where it is.
  public let path: FilePath
  /// Its size in bytes.
  public let size: ByteCount
  /// The name of its volume.
  public let volume: String
  /// The file as it was found.
  private let status: FileStatus

  /// Looks whether a file is an ISO image, and all of it.
  /// - Throws: `DiscBurner.Failure.incompleteImage`, `.noRegularFile`, `ISOReader.Failure`, `OperationFailure`.
  public init(_ path: FilePath) async throws {
    self = try await BlockingThread.reading.run { _ in try BurnImage(checking: path) }
  }

  private init(checking path: FilePath) throws {
    status = try OperationFailure.wrap("open", path) { try FileStatus(path, followingLinks: true) }
    guard status.kind == .file else { throw DiscBurner.Failure.noRegularFile(path) }
    let reader = try ISOReader(path)
    try Self.checkWhole(path, size: status.size, volume: reader.information.size)
    self.path = path
    size = status.size
    volume = reader.information.identifier
  }

  /// The volume descriptor says how long the image must be at least.
  static func checkWhole(_ path: FilePath, size: ByteCount, volume: ByteCount) throws(DiscBurner.Failure) {
    guard size >= volume else { throw .incompleteImage(path, size: size, volume: volume) }
  }

  /// - Throws: `DiscBurner.Failure.imageChanged` when somebody wrote to the file since it was looked at.
  func checkUnchanged() throws {
    let now = try OperationFailure.wrap("read", path) { try FileStatus(path, followingLinks: true) }
    guard now == status else { throw DiscBurner.Failure.imageChanged(path) }
  }
}
