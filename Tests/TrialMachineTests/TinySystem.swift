// SPDX-License-Identifier: GPL-3.0-or-later
@testable import BootAssembly
import FoundationEssentials
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport

/// A system that can do one thing: say that it was started, and how, and switch the computer off.
///
/// Debian's kernel with an initramfs of one static busybox; its “layer” only takes up room on the medium.
enum TinySystem {
  /// What `/init` prints, followed by ` MACHINE |COMMAND LINE|SECURE BOOT`.
  static let ready = "TINY-READY"

  static func files(_ architecture: Architecture, in folder: FilePath) async throws -> SystemFiles {
    let meta = architecture == .x64 ? "linux-image-amd64" : "linux-image-686"
    let kernel = try await DebianPackages.shared.kernel(meta, architecture: architecture.debian)
    let busybox = try await DebianPackages.shared.folder(["busybox-static"], architecture: architecture.debian)
      .appending("bin/busybox")
    let root = folder.appending("initramfs-\(architecture.rawValue)")
    try await ExternalCommand("mkdir", ["-p"] + ["bin", "proc", "dev"].map { root.appending($0).string }).run()
    try await ExternalCommand("cp", [busybox.string, root.appending("bin/busybox").string]).run()
    try AtomicFile.write(Array(script.utf8), to: root.appending("init"), permissions: FilePermissions(rawValue: 0o755))
    let initrd = folder.appending("initrd-\(architecture.rawValue)")
    let archive = #"cd "$1" && find . | ./bin/busybox cpio -o -H newc | gzip -1 > "$2""#
    try await ExternalCommand("sh", ["-c", archive, "sh", root.string, initrd.string]).run()
    let layer = folder.appending("layer-\(architecture.rawValue)")
    try AtomicFile.write(Array(repeating: 0x5A, count: 3 << 20), to: layer)
    return SystemFiles(
      architecture: architecture, kernel: kernel, initrd: initrd, layers: [("10-base.squashfs", layer)])
  }

  private static let script = """
    #!/bin/busybox sh
    b=/bin/busybox
    $b mount -t proc proc /proc
    secure=$($b dmesg | $b grep -i -o 'secure boot [a-z]*' | $b head -n 1)
    echo "\(ready) $($b uname -m) |$($b cat /proc/cmdline)|$secure"
    $b sleep 1
    $b poweroff -f

    """
}

/// A medium of tiny systems as an ISO file, written by xorriso.
enum TinyMedium {
  static func builder(
    _ identifier: String, title: String = "Contoso first aid", in folder: FilePath,
    architectures: [Architecture] = [.x64]
  ) async throws -> MediumBuilder {
    let loaders = LoaderFiles(
      amd64: try await DebianPackages.shared.folder(LoaderFiles.packages.amd64, architecture: "amd64"),
      i386: try await DebianPackages.shared.folder(LoaderFiles.packages.i386, architecture: "i386"))
    let scratch = folder.appending("scratch-\(identifier)")
    try await ExternalCommand("mkdir", ["-p", scratch.string]).run()
    var image = Image(name: "tier1", title: title, architectures: architectures)
    image.bootTimeout = 1
    return MediumBuilder(
      image: image, lifeboat: "0.0.0", identifier: identifier, timestamp: 1_790_000_000, loaders: loaders,
      scratch: scratch)
  }

  /// Builds the medium and writes it.
  /// - Parameter change: is called with the EFI system partition's image before it is written.
  static func write(
    _ builder: MediumBuilder, in folder: FilePath, change: (FilePath) async throws -> Void = { _ in }
  ) async throws -> FilePath {
    var builder = builder
    builder.extraKernelArguments = ["norandmaps", "test=\(builder.identifier)"]
    var systems: [SystemFiles] = []
    for architecture in builder.image.architectures {
      systems.append(try await TinySystem.files(architecture, in: folder))
    }
    let tree = try await builder.build(systems).tree
    if let efi = tree.efiSystemPartition { try await change(efi) }
    return try await write(tree, identifier: builder.identifier, in: folder)
  }

  static func write(_ tree: BootTree, identifier: String, in folder: FilePath) async throws -> FilePath {
    let files = folder.appending("tree-\(identifier)")
    try await layOut(tree, files)
    let mbr = folder.appending("mbr-\(identifier)")
    try AtomicFile.write(tree.biosBoot?.hybridMBR ?? [], to: mbr)
    let output = folder.appending("\(identifier).iso")
    guard let efi = tree.efiSystemPartition else { throw OperationFailure("find", "efi.img", .noSuchFileOrDirectory) }
    try await XorrisoDisc.command(
      folder: files, masterBootRecord: mbr, efiSystemPartition: efi, volume: tree.volumeIdentifier, output: output
    ).run()
    return output
  }

  private static func layOut(_ tree: BootTree, _ folder: FilePath) async throws {
    for entry in tree.entries {
      let path = folder.appending(entry.path)
      try FileManager.default.createDirectory(
        atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
      switch entry.content {
      case .file(let source, _): try await ExternalCommand("cp", [source.string, path.string]).run()
      case .bytes(let bytes): try AtomicFile.write(bytes, to: path)
      case .folder: try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
      case .symbolicLink(let target):
        try FileManager.default.createSymbolicLink(atPath: path.string, withDestinationPath: target)
      }
    }
  }
}
