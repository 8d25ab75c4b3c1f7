// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import RecoveryManifest
public import Signing
public import SystemPackage

/// Puts a medium together: systems, boot loaders and menu become a `BootTree` and the record that describes it.
///
///     SystemFiles (kernel, initrd, layers) ─┐
///     LoaderFiles (shim, GRUB, memtest86+) ─┼─▶ MediumBuilder ─▶ BootTree ─▶ ISO, stick, network, partition
///     Image (title, timeout, password)     ─┘         │
///                                                     └─▶ MediumRecord ─▶ lifeboat.json, lifeboat.json.sig
///
/// Layout of the medium (ID is the identifier):
///
///     .disk/info                      what Debian's tools show of a disc
///     boot/grub/…                     menu, theme, font, El Torito image
///     boot/grub/netboot/…             GRUB for starts from the network, see NetworkLoaders
///     boot/memtest/…                  memtest86+ for a BIOS and for UEFI
///     lifeboat/ID/medium              the marker by which loaders find this medium and no other
///     lifeboat/ID/x64|x86/…           kernel, initrd, layers, filesystem.module
///     sha256sum.txt                   for “Check this medium”, and for anybody's sha256sum -c
///     lifeboat.json, lifeboat.json.sig
///
/// The same inputs give the same bytes.
public struct MediumBuilder: Sendable {
  /// The image: name, title, release, expiry, kernel arguments, menu password and timeout are used.
  public var image: Image
  /// The Lifeboat that builds, such as `1.0.0`.
  public var lifeboat: String
  /// 16 lower-case hexadecimal digits that tell this medium from every other.
  public var identifier: String
  /// Seconds since 1970 that everything is stamped with.
  public var timestamp: Int64
  /// The unpacked boot loader packages.
  public var loaders: LoaderFiles
  /// An existing folder for what is made on the way; the tree refers to files in it, so it must outlive the tree.
  public var scratch: FilePath
  /// Suites that the build had to do without, as `architecture suite`; the record says so.
  public var withoutSuites: [String] = []
  /// Such suites that the boot loaders of an architecture alone are without; the record says so.
  public var loadersWithoutSuites: [String] = []
  /// Archives of others than Debian that packages may come from; the record says so.
  public var foreignArchives: [String] = []
  /// Added to the kernel command line of every entry; boot tests need it.
  package var extraKernelArguments: [String] = []
  /// Replaces the menu's default entry by the one with this `--id`; boot tests start several.
  package var defaultEntry: String?

  /// Describes a medium; nothing is read or written before `build`.
  public init(
    image: Image, lifeboat: String, identifier: String, timestamp: Int64, loaders: LoaderFiles, scratch: FilePath
  ) {
    self.image = image
    self.lifeboat = lifeboat
    self.identifier = identifier
    self.timestamp = timestamp
    self.loaders = loaders
    self.scratch = scratch
  }

  /// What a build produces.
  public struct Medium: Sendable {
    /// All that the medium carries.
    public var tree: BootTree
    /// What `lifeboat.json` in the tree says.
    public var record: MediumRecord
  }

  /// Builds the tree of a medium with one system, or with two of different architectures.
  /// - Parameters:
  ///   - systems: in any order.
  ///   - signingKey: an Ed25519 key of OpenSSH (see `SiteKey`), or nil for a medium that is not signed.
  ///   - progress: told about the step `digests`, which reads every file once.
  /// - Throws: `BootAssemblyFailure`, `OperationFailure` naming a file, `ExternalCommand.Failure` naming the package of
  ///   a missing program, `CancellationError`.
  public func build(
    _ systems: [SystemFiles], signingKey: FilePath? = nil, progress: @escaping ProgressEvent.Handler = { _ in }
  ) async throws -> Medium {
    let systems = systems.sorted { $0.architecture < $1.architecture }
    try check(systems)
    let menu = menu(for: systems)
    let bios = BIOSLoader(modules: loaders.amd64.appending("usr/lib/grub/i386-pc"))
    let mbr = try bios.hybridMBR()
    async let eltoritoImage = bios.write(early: menu.early, to: scratch.appending("eltorito.img"))
    async let efiImage = efiSystemPartition(menu)

    var entries = try commonEntries(menu, systems) + networkEntries() + systems.flatMap(systemEntries)
    entries.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    var files = try await MediumDigests.files(entries, progress: progress)
    let list = BootTree.Entry("sha256sum.txt", .bytes(MediumDigests.list(files)))
    files += try await MediumDigests.files([list], progress: { _ in })
    files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }

    let (eltorito, efi) = try await (eltoritoImage, efiImage)
    let record = try record(
      systems, files: files, bootImage: eltorito, efiSystemPartition: MediumDigests.whole(efi), mbr: mbr)
    entries += [list, BootTree.Entry(Self.eltoritoPath, .file(eltorito, try HostFile.size(eltorito)))]
    entries += try await recordEntries(record, signingKey: signingKey)
    let tree = BootTree(
      volumeIdentifier: Self.volumeIdentifier(of: image.name), timestamp: timestamp, entries: entries,
      biosBoot: .init(image: Self.eltoritoPath, hybridMBR: mbr), efiSystemPartition: efi, identity: identifier)
    return Medium(tree: tree, record: record)
  }

  static let eltoritoPath = "boot/grub/i386-pc/eltorito.img"

  /// `LIFEBOAT_` and the image's name in the characters of an ISO 9660 volume identifier.
  static func volumeIdentifier(of image: String) -> String {
    let name = image.uppercased().unicodeScalars.map { scalar -> Character in
      ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) ? Character(scalar) : "_"
    }
    return String(("LIFEBOAT_" + String(name)).prefix(32))
  }

  /// Refuses what would make a medium that cannot start or cannot be checked.
  private func check(_ systems: [SystemFiles]) throws(BootAssemblyFailure) {
    let digits = identifier.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    guard identifier.utf8.count == 16, digits else { throw .badIdentifier(identifier) }
    guard !systems.isEmpty else { throw .badSystems(reason: "there is none") }
    guard Set(systems.map(\.architecture)).count == systems.count else {
      throw .badSystems(reason: "two are for the same architecture")
    }
    for system in systems {
      guard !system.layers.isEmpty else {
        throw .badSystems(reason: "the \(system.architecture.rawValue) system has no layers")
      }
      for name in system.layers.map(\.name) where name.wholeMatch(of: /[0-9]{2}-[A-Za-z0-9._-]+\.squashfs/) == nil {
        throw .badLayerName(name)
      }
      guard Set(system.layers.map(\.name)).count == system.layers.count else {
        throw .badSystems(reason: "two layers of the \(system.architecture.rawValue) system have the same name")
      }
    }
    if let password = image.menuPassword,
      password.wholeMatch(of: /grub\.pbkdf2\.sha512\.[0-9]+\.[0-9A-Fa-f]+\.[0-9A-Fa-f]+/) == nil
    {
      throw .badMenuPassword
    }
  }
}
