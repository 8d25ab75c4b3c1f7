// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Makes the FAT image that UEFI starts from: Debian's signed shim, GRUB and MokManager for x64 and for IA32.
///
///     EFI/BOOT/BOOTX64.EFI  ─▶ grubx64.efi  ─▶ boot/grub/grub.cfg   (a stub, see BootMenu.stub)
///     EFI/BOOT/BOOTIA32.EFI ─▶ grubia32.efi ─┘
///     EFI/BOOT/mmx64.efi, mmia32.efi        MokManager, which shim starts when it is asked to
///     EFI/BOOT/lifeboat                     marks the partition as a Lifeboat medium's
///
/// The same content, identifier and timestamp give the same bytes: mtools takes its clock from SOURCE_DATE_EPOCH.
struct EFISystemPartition {
  /// Files in the order in which they are copied: a path in the image and its source.
  var files: [(path: String, source: FilePath)]
  /// 16 hexadecimal digits; the first eight become the volume's serial number.
  var identifier: String
  /// Seconds since 1970.
  var timestamp: Int64

  private static let cluster: Int64 = 2048
  /// With fewer clusters it would have to be FAT12, which some firmware does not read (FAT specification, “FAT Type
  /// Determination”: FAT16 begins at 4,085 clusters; Microsoft advises to keep 16 away from the limit).
  private static let fewestClusters: Int64 = 4085 + 16
  /// FAT has no time before 1980.
  private static let fatEpoch: Int64 = 315_532_800

  /// Debian's signed loaders from the folders of the unpacked packages.
  /// - Throws: `BootAssemblyFailure.loaderMissing`.
  static func loaders(_ folders: LoaderFiles) throws -> [(path: String, source: FilePath)] {
    let wanted: [(String, FilePath, String, String)] = [
      ("BOOTX64.EFI", folders.amd64, "usr/lib/shim/shimx64.efi.signed", "shim-signed"),
      ("grubx64.efi", folders.amd64, "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed", "grub-efi-amd64-signed"),
      ("mmx64.efi", folders.amd64, "usr/lib/shim/mmx64.efi.signed", "shim-helpers-amd64-signed"),
      ("BOOTIA32.EFI", folders.i386, "usr/lib/shim/shimia32.efi.signed", "shim-signed:i386"),
      ("grubia32.efi", folders.i386, "usr/lib/grub/i386-efi-signed/gcdia32.efi.signed", "grub-efi-ia32-signed:i386"),
      ("mmia32.efi", folders.i386, "usr/lib/shim/mmia32.efi.signed", "shim-helpers-i386-signed:i386"),
    ]
    return try wanted.map { name, folder, path, package in
      ("EFI/BOOT/\(name)", try LoaderFiles.require(folder.appending(path), package: package))
    }
  }

  /// The size of an image that holds such files: whole clusters, folders, both tables, a tenth of slack, whole MiB.
  static func size(holding files: [ByteCount]) -> ByteCount {
    let data = files.reduce(0) { $0 + ($1.bytes + cluster - 1) / cluster + 1 }
    let clusters = max(data + data / 10 + 64, fewestClusters)
    let tables = 2 * (clusters * 2 + 512) + 512 * 36
    let mebibyte: Int64 = 1 << 20
    return ByteCount((clusters * cluster + tables + mebibyte - 1) / mebibyte * mebibyte)
  }

  /// Writes the image; an older one of that name is replaced.
  /// - Throws: `OperationFailure`, `ExternalCommand.Failure` naming the package of a missing program.
  func write(to image: FilePath) async throws {
    let size = Self.size(holding: try files.map { try HostFile.size($0.source) })
    try OperationFailure.wrap("create", image) {
      let descriptor = try FileDescriptor.open(
        image, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite, .groupRead])
      try descriptor.closeAfter { try descriptor.resize(to: size.bytes) }
    }
    // mcopy takes the name of what it copies, so each file stands in a folder under the name that it shall have.
    let staging = image.removingLastComponent().appending("esp")
    for parent in parents { try FileTree.makeFolder(staging.appending(parent)) }
    for file in files { try FileTree.makeLink(staging.appending(file.path), to: file.source.string) }
    for command in commands(image, from: staging) { try await command.run() }
  }

  /// The programs that fill an empty image from a folder that holds its files under their names.
  func commands(_ image: FilePath, from staging: FilePath) -> [ExternalCommand] {
    let clock = ["SOURCE_DATE_EPOCH": String(max(timestamp, Self.fatEpoch)), "TZ": "UTC"]
    let format = ExternalCommand(
      "mkfs.vfat",
      [
        "--invariant", "-F", "16", "-s", String(Self.cluster / 512), "-S", "512", "-n", "LIFEBOATESP", "-i",
        String(identifier.prefix(8)), image.string,
      ], environment: clock, package: "dosfstools")
    let folders = ExternalCommand(
      "mmd", ["-i", image.string] + parents.map { "::/" + $0 }, environment: clock, package: "mtools")
    let copies = parents.compactMap { parent -> ExternalCommand? in
      let names = files.map { FilePath($0.path) }.filter { $0.removingLastComponent().string == parent }
      guard !names.isEmpty else { return nil }
      return ExternalCommand(
        "mcopy", ["-i", image.string] + names.map { staging.pushing($0).string } + ["::/\(parent)/"],
        environment: clock, package: "mtools")
    }
    return [format, folders] + copies
  }

  private var parents: [String] {
    var seen: [String] = []
    for file in files {
      let parts = file.path.split(separator: "/").dropLast()
      for count in 1..<(parts.count + 1) {
        let folder = parts.prefix(count).joined(separator: "/")
        if !seen.contains(folder) { seen.append(folder) }
      }
    }
    return seen
  }
}
