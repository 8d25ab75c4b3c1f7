// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// `lifeboat.json`: what a medium is, and the digest of every file on it.
///
/// The record is what gets signed: a valid signature over it, and digests that match, prove the whole content.
public struct MediumRecord: Sendable, Codable, Equatable {
  /// Format of this record; readers refuse what is newer.
  public var format = 1
  /// The Lifeboat that wrote the medium.
  public var lifeboat: String
  /// 16 hexadecimal digits that tell this medium from every other; part of every path that booting relies on.
  public var identifier: String
  /// The image.
  public var image: String
  /// The image's title.
  public var title: String
  /// Debian release.
  public var release: String
  /// Seconds since 1970 that the content is stamped with.
  public var timestamp: Int64
  /// `YYYY-MM-DD`, or absent.
  public var expires: String?
  /// One for each architecture on the medium.
  public var variants: [Variant]
  /// Every regular file of the medium except this record, its signature and `masked` boot images; sorted by path.
  public var files: [File]
  /// Files that the ISO writer patches (boot information table): the digest is over the content with the masked
  /// ranges read as zero.
  public var bootImages: [BootImage]
  /// The FAT image that stands outside the file system, or absent.
  public var efiSystemPartition: Whole?
  /// The first 440 bytes of the disk (boot code), or absent.
  public var bootCode: Digest?

  /// One architecture's system.
  public struct Variant: Sendable, Codable, Equatable {
    public var architecture: String
    public var kernel: String
    public var initrd: String
    /// Bottom first: paths on the medium.
    public var layers: [String]
    public init(architecture: String, kernel: String, initrd: String, layers: [String]) {
      self.architecture = architecture
      self.kernel = kernel
      self.initrd = initrd
      self.layers = layers
    }
  }

  /// A file with its digests.
  public struct File: Sendable, Codable, Equatable {
    public var path: String
    public var size: ByteCount
    public var sha256: Digest
    /// For files over 1 MiB: the digest of each 1 MiB piece, so that damage can be located.
    public var pieces: [Digest]?
    public init(path: String, size: ByteCount, sha256: Digest, pieces: [Digest]? = nil) {
      self.path = path
      self.size = size
      self.sha256 = sha256
      self.pieces = pieces
    }
  }

  /// A boot image with the ranges that do not count.
  public struct BootImage: Sendable, Codable, Equatable {
    public var path: String
    public var size: ByteCount
    public var sha256: Digest
    /// Pairs of offset and length.
    public var masked: [[Int]]
    public init(path: String, size: ByteCount, sha256: Digest, masked: [[Int]]) {
      self.path = path
      self.size = size
      self.sha256 = sha256
      self.masked = masked
    }
  }

  /// Something with a size and a digest.
  public struct Whole: Sendable, Codable, Equatable {
    public var size: ByteCount
    public var sha256: Digest
    public var pieces: [Digest]?
    public init(size: ByteCount, sha256: Digest, pieces: [Digest]? = nil) {
      self.size = size
      self.sha256 = sha256
      self.pieces = pieces
    }
  }

  public init(
    lifeboat: String, identifier: String, image: String, title: String, release: String, timestamp: Int64,
    expires: String?, variants: [Variant], files: [File], bootImages: [BootImage], efiSystemPartition: Whole?,
    bootCode: Digest?
  ) {
    self.lifeboat = lifeboat
    self.identifier = identifier
    self.image = image
    self.title = title
    self.release = release
    self.timestamp = timestamp
    self.expires = expires
    self.variants = variants
    self.files = files
    self.bootImages = bootImages
    self.efiSystemPartition = efiSystemPartition
    self.bootCode = bootCode
  }

  /// The record's path on a medium.
  public static let path = "lifeboat.json"
  /// The path of the SSH signature over the record's bytes.
  public static let signaturePath = "lifeboat.json.sig"
}
