// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import MediumReading
internal import Signing
package import SystemPackage

extension Release {
  /// Files from this size on are pieces of their own, because a partition may have them already.
  private static let least: Int64 = 64 << 10
  private static let most: Int64 = 4 << 20

  /// Describes an ISO file.
  /// - Throws: `ReleaseFailure.notForReleases`; `ISOReader.Failure`, `SigningFailure`, `OperationFailure`.
  package init(of medium: FilePath) throws {
    let reader = try ISOReader(medium)
    let record = try MediumVerification.record(of: reader)
    let name = medium.lastComponent?.string ?? ""
    guard Self.isName(name) else {
      throw ReleaseFailure.notForReleases(medium, reason: "its name has other characters than letters, digits and ._-")
    }
    let size = reader.image.size.bytes
    let large = Self.largeFiles(of: record, reader)
    var pieces: [Piece] = []
    var offset: Int64 = 0
    for range in large + [size..<size] {
      while offset < range.lowerBound {
        let end = min(range.lowerBound, offset + Self.most)
        pieces.append(try Self.piece(offset..<end, reader))
        offset = end
      }
      if !range.isEmpty { pieces.append(try Self.piece(range, reader)) }
      offset = max(offset, range.upperBound)
    }
    self.init(
      image: record.image, identifier: record.identifier, timestamp: record.timestamp, file: name,
      size: ByteCount(size), pieces: pieces)
  }

  /// Where large files lie, in the order of their places, none overlapping another.
  private static func largeFiles(of record: MediumRecord, _ reader: ISOReader) -> [Range<Int64>] {
    let ranges = record.files.filter { $0.size.bytes >= least }.compactMap { file -> Range<Int64>? in
      guard let node = reader.tree.node(file.path), node.extents.count == 1, let extent = node.extents.first else {
        return nil
      }
      return extent.bounds.lowerBound..<extent.bounds.lowerBound + file.size.bytes
    }
    var joined: [Range<Int64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound })
    where range.lowerBound >= joined.last?.upperBound ?? 0 { joined.append(range) }
    return joined
  }

  private static func piece(_ range: Range<Int64>, _ reader: ISOReader) throws -> Piece {
    var hasher = Digest.Hasher()
    var offset = range.lowerBound
    while offset < range.upperBound {
      let count = Int(min(1 << 20, range.upperBound - offset))
      hasher.update(try reader.image.bytes(at: offset, count: count))
      offset += Int64(count)
    }
    return Piece(
      offset: ByteCount(range.lowerBound), size: ByteCount(Int64(range.count)), sha256: hasher.finish())
  }

  /// Writes `release.json` and its signature for an ISO file, beside it or elsewhere.
  /// - Throws: as above; `SigningFailure` where the key cannot be used.
  package static func publish(_ medium: FilePath, in folder: FilePath, key: FilePath) async throws -> Release {
    let release = try Release(of: medium)
    let bytes = try release.encoded()
    let signature = try await SiteKey.sign(bytes, with: key)
    // A reader that comes in between finds a signature that does not fit, and asks again.
    try AtomicFile.write(signature, to: folder.appending(signatureName))
    try AtomicFile.write(bytes, to: folder.appending(name))
    return release
  }
}
