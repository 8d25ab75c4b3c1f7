// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// GRUB for a BIOS: the El Torito image, and the master boot record that makes the same medium a bootable disk.
struct BIOSLoader {
  /// `usr/lib/grub/i386-pc` of the unpacked package grub-pc-bin.
  var modules: FilePath

  private static let package = "grub-pc-bin"

  /// Everything that the menu uses on a BIOS is built in, so that nothing is ever loaded from a medium.
  static let builtIn = [
    "biosdisk", "part_gpt", "part_msdos", "iso9660", "fat", "normal", "search", "search_fs_file", "configfile", "test",
    "true", "echo", "sleep", "regexp", "cpuid", "linux", "linux16", "chain", "drivemap", "boot", "halt", "reboot",
    "serial", "terminal", "font", "all_video", "vbe", "vga", "gfxterm", "gfxmenu", "png", "password_pbkdf2", "minicmd",
    "ls", "cat", "help",
  ]

  /// The program that makes the El Torito image.
  func command(early: FilePath, output: FilePath) -> ExternalCommand {
    ExternalCommand(
      "grub-mkimage",
      [
        "-O", "i386-pc-eltorito", "-d", modules.string, "-c", early.string, "-p", "/boot/grub", "-o", output.string,
      ] + Self.builtIn, package: "grub-common")
  }

  /// Makes the El Torito image.
  /// - Throws: `BootAssemblyFailure.loaderMissing`, `OperationFailure`, `ExternalCommand.Failure`.
  func write(early: String, to output: FilePath) async throws -> FilePath {
    _ = try LoaderFiles.require(modules.appending("kernel.img"), package: Self.package)
    let script = output.removingLastComponent().appending("early.cfg")
    try AtomicFile.write(Array(early.utf8), to: script)
    try await command(early: script, output: output).run()
    return output
  }

  /// The first 512 bytes of the disk.
  /// - Throws: `BootAssemblyFailure.loaderMissing` or `.loaderDamaged`.
  func hybridMBR() throws -> [UInt8] {
    let file = try LoaderFiles.require(modules.appending("boot_hybrid.img"), package: Self.package)
    let bytes = try FileTree.bytes(of: file)
    guard bytes.count == 512 else {
      throw BootAssemblyFailure.loaderDamaged(file: file, reason: "it has \(bytes.count) bytes instead of 512")
    }
    return bytes
  }
}
