// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// The files that a medium carries and how firmware starts them: the waist of the river.
///
/// Everything before produces it (layers, kernels, loaders, menus); everything after consumes it (ISO, stick,
/// network, partition). It holds names and sources, no content in memory except small generated files.
///
///     entries            /lifeboat.json  /boot/grub/grub.cfg  /lifeboat/ID/x64/vmlinuz …
///     biosBoot           El Torito image (an entry) and the 512 bytes of the hybrid MBR
///     efiSystemPartition a FAT image that becomes El Torito's EFI entry and GPT partition 2
public struct BootTree: Sendable {
  /// One file, folder or symbolic link.
  public struct Entry: Sendable {
    /// Relative path with `/` separators: `boot/grub/grub.cfg`.
    public var path: String
    /// What it is.
    public var content: Content
    /// Permission bits such as 0o644.
    public var permissions: UInt16

    /// Describes an entry; folders above it need no entry of their own.
    public init(_ path: String, _ content: Content, permissions: UInt16 = 0o644) {
      self.path = path
      self.content = content
      self.permissions = permissions
    }
  }

  /// Where an entry's bytes are.
  public enum Content: Sendable {
    /// A regular file of the host, of exactly this size.
    case file(FilePath, ByteCount)
    /// Bytes in memory.
    case bytes([UInt8])
    /// An empty folder, or a folder with other than the default permissions.
    case folder
    /// A symbolic link with this target.
    case symbolicLink(String)
  }

  /// How a BIOS starts the medium.
  public struct BIOSBoot: Sendable {
    /// The path of the entry that El Torito loads (GRUB's `eltorito.img`).
    public var image: String
    /// The first 512 bytes of the disk (GRUB's `boot_hybrid.img`), or nil for a medium that is no disk.
    public var hybridMBR: [UInt8]?

    /// Names a BIOS boot image.
    public init(image: String, hybridMBR: [UInt8]?) {
      self.image = image
      self.hybridMBR = hybridMBR
    }
  }

  /// ISO 9660 volume identifier: at most 32 characters of A–Z, 0–9 and `_`.
  public var volumeIdentifier: String
  /// Seconds since 1970 that every file and every structure of the medium is stamped with.
  public var timestamp: Int64
  /// Sorted by path.
  public var entries: [Entry]
  /// For a BIOS, or nil.
  public var biosBoot: BIOSBoot?
  /// A FAT image for UEFI, or nil.
  public var efiSystemPartition: FilePath?
  /// What the GUIDs of the disk and its partitions are derived from: two trees with different identities never share
  /// one, the same tree always has the same.
  public var identity: String

  /// Puts a tree together; sorts the entries.
  public init(
    volumeIdentifier: String, timestamp: Int64, entries: [Entry], biosBoot: BIOSBoot? = nil,
    efiSystemPartition: FilePath? = nil, identity: String? = nil
  ) {
    self.volumeIdentifier = volumeIdentifier
    self.timestamp = timestamp
    self.entries = entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    self.biosBoot = biosBoot
    self.efiSystemPartition = efiSystemPartition
    self.identity = identity ?? "\(volumeIdentifier) \(timestamp)"
  }
}
