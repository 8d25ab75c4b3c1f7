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
  /// Suites of Debian, as `architecture suite`, whose packages are missing because their index could not be trusted
  /// on the day of the build; absent for a complete medium.
  public var withoutSuites: [String]?
  /// Such suites that the boot loaders of an architecture alone are without; absent where they are complete.
  public var loadersWithoutSuites: [String]?
  /// Archives of others than Debian that packages may come from; absent where there are none.
  public var foreignArchives: [String]?
  /// One for each architecture on the medium.
  public var variants: [Variant]
  /// Every regular file of the medium except this record, its signature and `masked` boot images; sorted by path.
  public var files: [File]
  /// Files that the ISO writer patches (boot information table): the digest is over the content with the masked
  /// ranges read as zero.
  public var bootImages: [BootImage]
  /// The FAT image that stands outside the file system, or absent.
  public var efiSystemPartition: Whole?
  /// The first `bootCodeLength` bytes of the disk (GRUB's boot code), or absent.
  public var bootCode: Digest?
  /// Over all that is no file's: tables, descriptors, folders, padding, and where each lies. Absent on media of older
  /// versions.
  public var layout: Digest?

  /// One architecture's system.
  public struct Variant: Sendable, Codable, Equatable {
    /// `x64` or `x86`.
    public var architecture: String
    /// Path on the medium.
    public var kernel: String
    /// Path on the medium.
    public var initrd: String
    /// Bottom first: paths on the medium.
    public var layers: [String]
    /// Describes a system of the medium.
    public init(architecture: String, kernel: String, initrd: String, layers: [String]) {
      self.architecture = architecture
      self.kernel = kernel
      self.initrd = initrd
      self.layers = layers
    }
  }

  /// A file with its digests.
  public struct File: Sendable, Codable, Equatable {
    /// Path on the medium, with no leading slash.
    public var path: String
    /// Its size.
    public var size: ByteCount
    /// Over its whole content.
    public var sha256: Digest
    /// For files over 1 MiB: the digest of each 1 MiB piece, so that damage can be located.
    public var pieces: [Digest]?
    /// Describes a file.
    public init(path: String, size: ByteCount, sha256: Digest, pieces: [Digest]? = nil) {
      self.path = path
      self.size = size
      self.sha256 = sha256
      self.pieces = pieces
    }
  }

  /// A boot image with the ranges that do not count.
  public struct BootImage: Sendable, Codable, Equatable {
    /// Path on the medium, with no leading slash.
    public var path: String
    /// Its size.
    public var size: ByteCount
    /// Over its content with the masked ranges read as zero.
    public var sha256: Digest
    /// Pairs of offset and length.
    public var masked: [[Int]]
    /// Describes a boot image.
    public init(path: String, size: ByteCount, sha256: Digest, masked: [[Int]]) {
      self.path = path
      self.size = size
      self.sha256 = sha256
      self.masked = masked
    }
  }

  /// Something with a size and a digest.
  public struct Whole: Sendable, Codable, Equatable {
    /// Its size.
    public var size: ByteCount
    /// Over its whole content.
    public var sha256: Digest
    /// As in `File`.
    public var pieces: [Digest]?
    /// Describes it.
    public init(size: ByteCount, sha256: Digest, pieces: [Digest]? = nil) {
      self.size = size
      self.sha256 = sha256
      self.pieces = pieces
    }
  }

  /// Describes a medium.
  public init(
    lifeboat: String, identifier: String, image: String, title: String, release: String, timestamp: Int64,
    expires: String?, withoutSuites: [String]? = nil, loadersWithoutSuites: [String]? = nil,
    foreignArchives: [String]? = nil, variants: [Variant], files: [File], bootImages: [BootImage],
    efiSystemPartition: Whole?,
    bootCode: Digest?, layout: Digest? = nil
  ) {
    self.lifeboat = lifeboat
    self.identifier = identifier
    self.image = image
    self.title = title
    self.release = release
    self.timestamp = timestamp
    self.expires = expires
    self.withoutSuites = withoutSuites
    self.loadersWithoutSuites = loadersWithoutSuites
    self.foreignArchives = foreignArchives
    self.variants = variants
    self.files = files
    self.bootImages = bootImages
    self.efiSystemPartition = efiSystemPartition
    self.bootCode = bootCode
    self.layout = layout
  }

  /// How many bytes of boot code never change: from here (0x1b0) the ISO writer puts the block address of GRUB's
  /// El Torito image (eight bytes, libisofs `grub2_mbr`), after which come the disk's signature and its partitions.
  public static let bootCodeLength = 432
  /// Stands for the layout's digest until the image is written; as long as that.
  public static let layoutToCome = Digest(bytes: [UInt8](repeating: 0, count: 32))
  /// The record's path on a medium.
  public static let path = "lifeboat.json"
  /// The path of the SSH signature over the record's bytes.
  public static let signaturePath = "lifeboat.json.sig"
}
