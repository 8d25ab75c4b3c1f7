// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// What one set of a site holds: everything that a starting computer may ask for, by name, and nothing else.
///
/// ```
///   SITE/objects/ab/abcdef…      immutable, named by SHA-256
///   SITE/sets/7/index.json       this, with index.json.sig beside it
///   SITE/current -> sets/7       switched by one rename
/// ```
public struct SetIndex: Sendable, Hashable, Codable {
  /// The version of this format.
  public var format: Int
  /// The set's number; a later one is larger.
  public var number: Int
  /// Where starting computers find the site, in the order that they are tried: `http://192.0.2.10`.
  public var servers: [String]
  /// The images, by name.
  public var images: [Image]
  /// What may be asked for, by name.
  public var objects: [Object]

  /// The format that this Lifeboat writes and reads.
  public static let format = 1

  /// A recovery image with its architectures.
  public struct Image: Sendable, Hashable, Codable {
    /// As in the manifest: `tier1`.
    public var name: String
    /// For people.
    public var title: String
    /// The media that it was made of, by architecture: `x64`, `x86`.
    public var media: [String: Medium]
    /// Which object a client begins with: `uefi-http` names the RAM disk for HTTP Boot, `uefi-x64-pxe` shim,
    /// `uefi-ia32-pxe` and `bios-pxe` our own GRUBs, `ipxe` the script.
    public var entries: [String: String]
    /// The objects that these then ask for by themselves: the signed GRUB, menus, their look.
    public var files: [String]

    /// Describes an image.
    public init(
      name: String, title: String, media: [String: Medium], entries: [String: String], files: [String] = []
    ) {
      (self.name, self.title, self.media, self.entries, self.files) = (name, title, media, entries, files)
    }

    /// Reads an image; one that was published before there were `files` has none.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      name = try values.decode(String.self, forKey: .name)
      title = try values.decode(String.self, forKey: .title)
      media = try values.decode([String: Medium].self, forKey: .media)
      entries = try values.decode([String: String].self, forKey: .entries)
      files = try values.decodeIfPresent([String].self, forKey: .files) ?? []
    }

    /// Whether clients of PXE can begin with it; one that was published from an older Lifeboat's media has no loaders
    /// for them.
    public var hasPXELoaders: Bool { entries["uefi-x64-pxe"] != nil }

    /// The names of all objects that the image needs.
    public var objectNames: Set<String> {
      let systems = media.values.flatMap { [$0.kernel, $0.initrd] + $0.layers + ($0.trees ?? []) }
      return Set(entries.values).union(files).union(systems).subtracting([""])
    }
  }

  /// What one architecture of an image is.
  public struct Medium: Sendable, Hashable, Codable {
    /// The medium's identifier, 16 hexadecimal digits.
    public var identifier: String
    /// The manifest's release.
    public var release: String
    /// The object that is the kernel: `boot/tier1/x64/vmlinuz`.
    public var kernel: String
    /// The object that is the initrd, which has the list of layers and servers in it.
    public var initrd: String
    /// The kernel's command line, a word each, without consoles.
    public var arguments: [String]
    /// The objects that are the layers, bottom first.
    public var layers: [String]
    /// The objects that are the layers' hash trees; none in sets of before there were any.
    public var trees: [String]?

    /// Describes a medium.
    public init(
      identifier: String, release: String, kernel: String = "", initrd: String = "", arguments: [String] = [],
      layers: [String] = [], trees: [String]? = nil
    ) {
      (self.identifier, self.release, self.kernel, self.initrd) = (identifier, release, kernel, initrd)
      (self.arguments, self.layers, self.trees) = (arguments, layers, trees)
    }
  }

  /// A file under the name that it is asked for by.
  public struct Object: Sendable, Hashable, Codable {
    /// A relative path without dots: `boot/tier1.iso`, `layers/4f2c….squashfs`.
    public var name: String
    /// Its bytes.
    public var size: ByteCount
    /// What it is, and where it lies.
    public var digest: Digest
    /// The media type that HTTP says: UEFI 2.10, section 24.7.6 wants `application/vnd.efi-iso` of a RAM disk.
    public var type: String

    /// Describes an object.
    public init(name: String, size: ByteCount, digest: Digest, type: String) {
      (self.name, self.size, self.digest, self.type) = (name, size, digest, type)
    }
  }

  /// Describes a set.
  public init(number: Int, servers: [String], images: [Image], objects: [Object]) {
    format = Self.format
    (self.number, self.servers, self.images, self.objects) = (number, servers, images, objects)
  }
}
