// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem

/// A block map beside an image, as bmaptool writes it: which blocks of the image hold data, with their SHA-256.
///
/// Versions 1.0 to 2.0 differ in the digests alone: none (up to 1.2), SHA-1 in an attribute `sha1` (1.3), `chksum` of
/// the type that `ChecksumType` names (1.4 and 2.0). The map is a stranger's: what it may cost is bounded here.
package struct BlockMap: Equatable, Sendable {
  /// A range of blocks that hold data.
  package struct Mapped: Equatable, Sendable {
    /// Bytes of the image; the last range ends where the image does.
    package var range: Range<Int64>
    /// Their SHA-256, if the map has one.
    package var digest: Digest?
  }

  /// Bytes of the whole image.
  package var imageSize: Int64
  /// Ascending, apart from each other.
  package var mapped: [Mapped]

  /// The largest file that is read as a map: half a million ranges with digests.
  package static let largestFile = 64 << 20
  /// The largest image that a map may announce: its pieces are listed before the first is written, 64 MiB for 4 TiB.
  package static let largestImage: Int64 = 4 << 40

  /// Why a text is not a block map that can be trusted.
  package enum Problem: Error, Equatable {
    case syntax(line: Int, reason: String)
    case missing(String)
    case badNumber(String)
    case version(String)
    case checksumType(String)
    case ranges
    case checksum
  }

  /// Reads the XML text.
  package init(_ bytes: [UInt8]) throws(Problem) {
    let document = try BlockMapDocument(bytes)
    guard let version = document.version else { throw .missing("bmap version") }
    guard version.hasPrefix("1.") || version.hasPrefix("2.") else { throw .version(version) }
    imageSize = try Self.number(document, "ImageSize", in: 1...Self.largestImage)
    let blockSize = try Self.number(document, "BlockSize", in: 512...(1 << 30))
    let type = document.fields["ChecksumType"]
    mapped = []
    mapped.reserveCapacity(document.ranges.count)
    for range in document.ranges {
      mapped.append(try Self.mapped(range, blockSize: blockSize, imageSize: imageSize, type: type))
    }
    for (one, next) in zip(mapped, mapped.dropFirst()) where next.range.lowerBound < one.range.upperBound {
      throw .ranges
    }
    if let own = document.fields["BmapFileChecksum"], type == "sha256" { try Self.check(bytes, against: own) }
  }

  /// `0-15` or `7`: numbers of blocks, the last one included. No product can overflow: a block lies within the image,
  /// which is smaller than `largestImage`.
  private static func mapped(
    _ element: BlockMapDocument.Range, blockSize: Int64, imageSize: Int64, type: String?
  ) throws(Problem) -> Mapped {
    let ends = element.text.split(separator: "-", omittingEmptySubsequences: false).map {
      Int64($0.filter { !$0.isWhitespace })
    }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0, last >= first,
      last <= (imageSize - 1) / blockSize
    else { throw .ranges }
    let range = (first * blockSize)..<min(imageSize, (last + 1) * blockSize)
    if element.hasSHA1 { throw .checksumType("sha1") }
    guard let sum = element.checksum else { return Mapped(range: range, digest: nil) }
    guard type == "sha256" else { throw .checksumType(type ?? "none") }
    guard let digest = Digest(hex: sum) else { throw .checksum }
    return Mapped(range: range, digest: digest)
  }

  /// The map names its own digest, made while its 64 digits were all `0`.
  private static func check(_ bytes: [UInt8], against own: String) throws(Problem) {
    guard let digest = Digest(hex: own), let place = bytes.firstRange(of: Array(own.utf8)) else { throw .checksum }
    var blank = bytes
    blank.replaceSubrange(place, with: repeatElement(UInt8(ascii: "0"), count: place.count))
    guard Digest(of: blank) == digest else { throw .checksum }
  }

  private static func number(
    _ document: BlockMapDocument, _ name: String, in allowed: ClosedRange<Int64>
  ) throws(Problem) -> Int64 {
    guard let text = document.fields[name] else { throw .missing(name) }
    guard let number = Int64(text), allowed.contains(number) else { throw .badNumber(name) }
    return number
  }
}
