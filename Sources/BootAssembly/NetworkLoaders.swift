// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
package import SystemPackage

/// What a medium carries for computers that start from the network by PXE. Publishing takes it from there, so that what
/// is handed out is what was built, recorded and signed.
///
///     boot/grub/netboot/grubnetx64.efi    Debian's signed GRUB that loads by TFTP; its shim is the medium's own
///     boot/grub/netboot/i386-pc/…         what grub-mkimage makes a GRUB for a BIOS' PXE of
///     boot/grub/netboot/i386-efi/…        the same for 32-bit UEFI, for which nobody has signed one
///
/// GRUB takes no server's name from a proxy (rhboot/grub2#56), so those two are made when the servers are known.
package enum NetworkLoaders {
  /// Where they lie on a medium.
  package static let folder = "boot/grub/netboot"
  /// The signed GRUB, under the name that shim asks for in its own folder.
  package static let signedGRUB = "\(folder)/grubx64.efi"
  /// shim in the medium's EFI system partition.
  package static let shim = "EFI/BOOT/BOOTX64.EFI"

  /// The program that takes shim out of an EFI system partition.
  package static func extractShim(from partition: FilePath, to target: FilePath) -> ExternalCommand {
    ExternalCommand("mcopy", ["-n", "-i", partition.string, "::/\(shim)", target.string], package: "mtools")
  }

  /// A kind of firmware that gets a GRUB of our own making.
  package enum Platform: String, Sendable, CaseIterable {
    /// A BIOS with a PXE ROM.
    case bios = "i386-pc"
    /// 32-bit UEFI.
    case ia32 = "i386-efi"

    /// The folder of its modules on a medium.
    package var folder: String { "\(NetworkLoaders.folder)/\(rawValue)" }

    /// What grub-mkimage calls the image.
    var format: String { self == .bios ? "i386-pc-pxe" : "i386-efi" }
    /// The Debian package of its modules.
    var package: String { self == .bios ? "grub-pc-bin" : "grub-efi-ia32-bin" }
    /// What grub-mkimage reads beside modules.
    var images: [String] {
      self == .bios ? ["diskboot.img", "kernel.img", "lzma_decompress.img", "pxeboot.img"] : ["kernel.img"]
    }

    /// Everything that the menu uses, and the ways to the servers; nothing is loaded later.
    var builtIn: [String] {
      let own =
        self == .bios
        ? ["biosdisk", "drivemap", "pxe", "vbe", "vga"] : ["efi_gop", "efi_uga", "efifwsetup", "efinet"]
      return [
        "all_video", "boot", "cat", "chain", "configfile", "cpuid", "echo", "fat", "halt", "help", "http", "linux",
        "ls",
        "memdisk", "minicmd", "net", "newc", "normal", "part_gpt", "part_msdos", "password_pbkdf2", "reboot", "regexp",
        "serial", "sleep", "terminal", "test", "tftp", "true",
      ] + own
    }

    /// The files of an unpacked package that grub-mkimage needs: images, modules with what they depend on, and the list
    /// that says so.
    /// - Parameter folder: `usr/lib/grub/i386-pc` or `…/i386-efi`.
    /// - Throws: `BootAssemblyFailure.loaderMissing`, `.loaderDamaged`; `OperationFailure`.
    func files(in folder: FilePath) throws -> [String] {
      let list = try LoaderFiles.require(folder.appending("moddep.lst"), package: package)
      let modules = try Self.modules(builtIn, by: FileTree.text(of: list), in: list)
      let names = (images + modules.map { "\($0).mod" } + ["moddep.lst"]).sorted()
      for name in names { _ = try LoaderFiles.require(folder.appending(name), package: package) }
      return names
    }

    /// Modules and all that they depend on, by a `moddep.lst`: a line `name: name name` for each module.
    static func modules(_ wanted: [String], by list: String, in file: FilePath) throws(BootAssemblyFailure) -> Set<
      String
    > {
      var dependencies: [Substring: [Substring]] = [:]
      for line in list.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        dependencies[parts[0]] = parts.count == 2 ? parts[1].split(separator: " ") : []
      }
      var found = Set<String>()
      var open = wanted.map { Substring($0) }
      while let name = open.popLast() {
        guard let more = dependencies[name] else {
          throw .loaderDamaged(file: file, reason: "it does not have the module \(name)")
        }
        if found.insert(String(name)).inserted { open += more }
      }
      return found
    }
  }
}

extension MediumBuilder {
  /// The files of `NetworkLoaders` on a medium.
  func networkEntries() throws -> [BootTree.Entry] {
    func entry(_ path: String, _ file: FilePath) throws -> BootTree.Entry {
      BootTree.Entry(path, .file(file, try HostFile.size(file)))
    }
    let signed = try LoaderFiles.require(
      loaders.amd64.appending("usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed"), package: "grub-efi-amd64-signed")
    return try [entry(NetworkLoaders.signedGRUB, signed)]
      + NetworkLoaders.Platform.allCases.flatMap { platform in
        let folder = loaders.amd64.appending("usr/lib/grub").appending(platform.rawValue)
        return try platform.files(in: folder).map { try entry("\(platform.folder)/\($0)", folder.appending($0)) }
      }
  }
}
