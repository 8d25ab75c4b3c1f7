// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
package import SystemPackage

/// A GRUB of our own for firmware that takes an unsigned one from the network, with the servers' addresses inside: GRUB
/// itself asks the server that its DHCP answer names, which is the site's (rhboot/grub2#56).
///
///     firmware ─TFTP─▶ this GRUB ─▶ its disk in memory: boot/grub/grub.cfg ─HTTP, else TFTP─▶ the image's menu
package struct NetworkGRUB: Sendable {
  /// What it runs on.
  package var platform: NetworkLoaders.Platform
  /// The medium's modules for it.
  package var modules: FilePath
  /// Finds the image's menu: `NetworkMenu.finder`.
  package var finder: String
  /// Seconds since 1970 that its files are stamped with.
  package var timestamp: Int64

  /// Describes an image; nothing is read.
  package init(platform: NetworkLoaders.Platform, modules: FilePath, finder: String, timestamp: Int64) {
    (self.platform, self.modules, self.finder, self.timestamp) = (platform, modules, finder, timestamp)
  }

  /// The program that makes the image.
  func command(disk: FilePath, output: FilePath) -> ExternalCommand {
    ExternalCommand(
      "grub-mkimage",
      [
        "-O", platform.format, "-d", modules.string, "-m", disk.string, "-p", "(memdisk)/boot/grub", "-o",
        output.string,
      ] + platform.builtIn, package: "grub-common")
  }

  /// Makes the image.
  /// - Throws: `OperationFailure`; `ExternalCommand.Failure` naming the package of a missing program.
  package func write(to output: FilePath, scratch: FilePath) async throws {
    let disk = scratch.appending("memdisk")
    let archive = SmallArchive(files: [("boot/grub/grub.cfg", Array(finder.utf8))], timestamp: timestamp)
    try AtomicFile.write(try await archive.bytes(scratch: scratch), to: disk)
    try await command(disk: disk, output: output).run()
  }
}
