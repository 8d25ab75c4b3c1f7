// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
public import SystemPackage

/// An image that is to be written: any raw image, plain or compressed, with what lies beside it to prove it.
///
/// - A plain file's holes are found by `SEEK_DATA`; they become zeros on the target without being read.
/// - gzip, xz and zstd files are decompressed by the programs of these names, xz with as many threads as the file has
///   blocks for; bzip2, lz4, lzma, lzip, and zip, 7z and tar archives of a single file by libarchive. What a file is,
///   its bytes say, not its name. Virtual disks and what else no drive could be started from is refused by its name.
/// - The image's own tables say how large it has to be; one that was cut off is refused (`DeclaredSize`).
/// - A block map of bmaptool beside the image (`X.iso.bmap`, `X.bmap`) says which ranges hold data, and their SHA-256.
/// - A checksum file beside it (`X.iso.sha256`, `X.sha256`) is checked while the image is read. What a digest
///   contradicts never becomes bootable, for the first piece is written when all others have been read and proven.
public struct FlashSource: Sendable, Hashable {
  /// The file.
  public var image: FilePath
  /// The block map.
  public var blockMap: Companion = .beside
  /// The checksum file.
  public var checksum: Companion = .beside

  /// Where a file that belongs to the image is.
  public enum Companion: Sendable, Hashable {
    /// Beside the image, if there is one.
    case beside
    /// This one; an error if it is not there.
    case file(FilePath)
    /// Not used, even if there is one.
    case none
  }

  /// Names an image; reads nothing.
  public init(_ image: FilePath) { self.image = image }

  /// What it is if it is no file: a path has single slashes.
  var address: String? {
    guard let scheme = image.string.prefixMatch(of: /(https?|ftp):\//) else { return nil }
    return "\(scheme.1)://" + image.string[scheme.range.upperBound...]
  }

  /// Opens the image and what lies beside it.
  /// - Throws: `FlashMediaFailure.source`; `ExternalCommand.Failure.notInstalled` naming the decoder's package.
  public func open() async throws -> OpenedSource {
    try await OpenedSource(self)
  }
}
