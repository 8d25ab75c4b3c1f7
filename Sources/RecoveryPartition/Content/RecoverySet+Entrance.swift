// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
internal import BootAssembly
internal import HostSystem
internal import SystemPackage

extension RecoverySet {
  /// What starts before a version is chosen, and so belongs to none: theme and font, the chooser, GRUB and shim.
  ///
  /// The order is that of an update: what starts something comes after it. An older shim takes a newer GRUB, but a newer
  /// one may refuse an older GRUB as revoked (shim, SBAT.md).
  /// - Parameters:
  ///   - serial: the number of the partition's file system.
  ///   - hotkeyDelay: seconds in which Esc opens the recovery.
  ///   - scratch: an existing folder, for the time of the call.
  func entrance(serial: String, hotkeyDelay: Int?, scratch: FilePath) async throws -> [File] {
    let chooser = PartitionMenu.chooser(serial: serial, hotkeyDelay: hotkeyDelay)
    return try look + [File(InstalledSlots.chooserPath, Array(chooser.utf8))] + (await loaders(scratch))
  }

  /// Shim, GRUB and MokManager of all architectures, as they are in the medium's EFI system partition.
  private func loaders(_ scratch: FilePath) async throws -> [File] {
    let (image, tree) = (scratch.appending("esp"), scratch.appending("loaders"))
    defer {
      FileTree.remove(image)
      FileTree.remove(tree)
    }
    try writeSystemPartition(to: image)
    try FileTree.makeFolder(tree)
    try await ExternalCommand(
      "mcopy", ["-s", "-n", "-Q", "-i", image.string, "::/EFI", tree.string], environment: ["MTOOLSRC": "/dev/null"],
      package: "mtools"
    ).run()
    let names = FileTree.walk(tree).filter { FileTree.kind(of: tree.appending($0)) == .file }
    let firmwareStarts = { (name: String) in name.hasPrefix("EFI/BOOT/BOOT") }
    return try (names.filter { !firmwareStarts($0) } + names.filter(firmwareStarts)).map { name in
      // On a medium the mark holds the medium's identifier; here it is there to be found.
      File(
        name, name == Self.mark ? Array("\(StagedVolume.label)\n".utf8) : try FileTree.bytes(of: tree.appending(name)))
    }
  }

  /// By which menus know loaders of Lifeboat's from those of the computer.
  private static let mark = "EFI/BOOT/lifeboat"
}
