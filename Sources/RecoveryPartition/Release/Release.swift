// SPDX-License-Identifier: GPL-3.0-or-later
internal import FoundationEssentials
package import HostSystem

/// `release.json`: which medium recovery partitions are to have, and what it is made of, so that only what a partition
/// lacks has to be fetched. It lies beside the ISO file on any web server that sends parts of files, signed like a
/// medium's record.
///
/// ```
///   https://example.org/recovery/release.json      this
///                               /release.json.sig  SSH signature by the site's key
///                               /tier1-x64.iso     fetched in parts
/// ```
package struct Release: Sendable, Hashable, Codable {
  /// The version of this format.
  package var format = 1
  /// The image's name.
  package var image: String
  /// The medium's identifier.
  package var identifier: String
  /// Seconds since 1970 that the medium is stamped with: an older one is a downgrade.
  package var timestamp: Int64
  /// The ISO file's name, beside this file.
  package var file: String
  /// The ISO file's size.
  package var size: ByteCount
  /// All of the ISO file, without gaps: large files of the medium as a piece each, and what lies between them.
  package var pieces: [Piece]

  /// A range of the ISO file.
  package struct Piece: Sendable, Hashable, Codable {
    /// Where it begins.
    package var offset: ByteCount
    package var size: ByteCount
    package var sha256: Digest
  }

  package static let name = "release.json"
  package static let signatureName = "release.json.sig"
  static let format = 1
  /// No release needs more.
  static let limit = 8 << 20

  /// The bytes of `release.json`.
  /// - Throws: `EncodingError`.
  package func encoded() throws -> [UInt8] { Array((try StableJSON.text(self) + "\n").utf8) }

  /// Reads `release.json`, and believes nothing of it that could do harm.
  /// - Throws: `ReleaseFailure.unreadable`.
  package init(decoding bytes: [UInt8]) throws(ReleaseFailure) {
    struct Format: Decodable { var format: Int }
    let decoder = JSONDecoder()
    guard let format = try? decoder.decode(Format.self, from: Data(bytes)).format else {
      throw .unreadable(reason: "it is not JSON, or not a release")
    }
    guard format == Self.format else {
      throw .unreadable(reason: "it has format \(format); this Lifeboat knows format \(Self.format)")
    }
    guard let release = try? decoder.decode(Release.self, from: Data(bytes)) else {
      throw .unreadable(reason: "something is missing in it")
    }
    self = release
    if let problem { throw .unreadable(reason: problem) }
  }

  init(image: String, identifier: String, timestamp: Int64, file: String, size: ByteCount, pieces: [Piece]) {
    (self.image, self.identifier, self.timestamp, self.file) = (image, identifier, timestamp, file)
    (self.size, self.pieces) = (size, pieces)
  }

  private var problem: String? {
    if identifier.wholeMatch(of: /[0-9a-f]{16}/) == nil { return "it names no medium" }
    if !Self.isName(file) { return "no file can have the name “\(file)”" }
    var end: Int64 = 0
    for piece in pieces {
      guard piece.offset.bytes == end, piece.size > .zero, piece.size <= size else { return "its pieces do not join" }
      end += piece.size.bytes
    }
    return end == size.bytes && end > 0 ? nil : "its pieces are not all of the file"
  }

  /// Whether a name may be added to an address, and to a folder.
  static func isName(_ name: String) -> Bool {
    name.utf8.count <= 200 && name.wholeMatch(of: /[A-Za-z0-9_-][A-Za-z0-9._-]*/) != nil
  }
}
