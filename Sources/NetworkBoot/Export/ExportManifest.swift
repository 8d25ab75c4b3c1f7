// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootSite
internal import FoundationEssentials
public import HostSystem

/// `export.json`: what an export holds, for whoever uploads it somewhere or compares it.
public struct ExportManifest: Sendable, Hashable, Codable {
  /// Its name in the folder of an export.
  static let name = "export.json"
  /// The version of this format.
  static let format = 1

  /// The version of this format, 1.
  public var format = Self.format
  /// The set's number.
  public var set: Int
  /// The fingerprint of the key that signed the set; nil for a set without signature.
  public var signedBy: String?
  /// Where computers ask for the objects.
  public var server: String
  /// The image that dnsmasq sends computers to.
  public var image: String
  /// What may be asked for.
  public var objects: [Object]
  /// The other files, which nobody asks for.
  public var files: [File]

  /// A file that may be asked for.
  public struct Object: Sendable, Hashable, Codable {
    /// The name that it is asked for by: `boot/tier1.iso`.
    public var name: String
    /// Where it lies in the folder: `objects/boot/tier1.iso`.
    public var file: String
    /// Its bytes.
    public var size: ByteCount
    /// Its SHA-256.
    public var digest: Digest
    /// The media type, which UEFI firmware goes by.
    public var type: String
    /// The value of the field Cache-Control (RFC 9111).
    public var cacheControl: String

    init(_ object: SetIndex.Object) {
      (name, size, digest, type) = (object.name, object.size, object.digest, object.type)
      file = "objects/" + object.name
      // A name with the digest in it always stands for these bytes; any other gets new ones with the next set.
      let isForever = object.name.contains(object.digest.hex)
      cacheControl = isForever ? "public, max-age=31536000, immutable" : "public, max-age=60"
    }
  }

  /// A file that nobody asks for.
  public struct File: Sendable, Hashable, Codable {
    /// Its name in the folder.
    public var name: String
    /// Its SHA-256 when it was written.
    public var digest: Digest
  }

  init(_ set: BootSet, server: String, image: String) {
    self.set = set.index.number
    signedBy = set.signedBy
    (self.server, self.image) = (server, image)
    objects = set.index.objects.map { Object($0) }
    files = []
  }

  func encoded() throws -> [UInt8] { Array((try StableJSON.text(self) + "\n").utf8) }

  /// Reads `export.json`; nil for what no Lifeboat wrote.
  init?(decoding bytes: [UInt8]) {
    guard let manifest = try? JSONDecoder().decode(ExportManifest.self, from: Data(bytes)),
      manifest.format == Self.format
    else { return nil }
    self = manifest
  }
}
