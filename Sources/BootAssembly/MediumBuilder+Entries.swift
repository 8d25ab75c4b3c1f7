// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import RecoveryManifest
internal import SystemPackage

/// The files of a medium, and where they come from.
extension MediumBuilder {
  /// The menu of a medium with these systems.
  func menu(for systems: [SystemFiles]) -> BootMenu {
    var menu = BootMenu(
      title: title, identifier: identifier, architectures: systems.map(\.architecture),
      kernelArguments: image.kernelArguments + extraKernelArguments, password: image.menuPassword,
      timeout: image.bootTimeout)
    if let defaultEntry { menu.defaultEntry = defaultEntry }
    return menu
  }

  /// What does not belong to one architecture: menu, theme, font, memory test, markers.
  func commonEntries(_ menu: BootMenu, _ systems: [SystemFiles]) throws -> [BootTree.Entry] {
    let architectures = systems.map(\.architecture.rawValue).joined(separator: " + ")
    var subtitle = "Recovery system, \(architectures)"
    if let expires = image.expires { subtitle += ", use until \(expires)" }
    let theme = BootTheme(title: title, subtitle: subtitle, locked: image.menuPassword != nil)
    let font = try LoaderFiles.require(
      loaders.amd64.appending("usr/share/grub/unicode.pf2"), package: "grub-common")
    let info = "Lifeboat \(lifeboat) \(image.name) (\(image.release), \(architectures)) \(identifier)\n"
    return [
      BootTree.Entry(".disk/info", .bytes(Array(info.utf8))),
      BootTree.Entry("boot/grub/grub.cfg", .bytes(Array(menu.text.utf8))),
      try hostFile("boot/grub/fonts/unicode.pf2", font),
      BootTree.Entry(BootMenu.marker(identifier), .bytes(Array("\(identifier)\n".utf8))),
    ] + (try theme.entries()) + (try memoryTests())
  }

  /// Kernel, initrd and layers of one architecture.
  func systemEntries(_ system: SystemFiles) throws -> [BootTree.Entry] {
    let folder = folder(system.architecture)
    let order = system.layers.map { $0.name + "\n" }.joined()
    return [
      try hostFile("\(folder)/vmlinuz", system.kernel),
      try hostFile("\(folder)/initrd.img", system.initrd),
      BootTree.Entry("\(folder)/filesystem.module", .bytes(Array(order.utf8))),
    ] + (try system.layers.map { try hostFile("\(folder)/\($0.name)", $0.file) })
  }

  /// The folder of one architecture, which the kernel's `live-media-path` names.
  func folder(_ architecture: Architecture) -> String { "lifeboat/\(identifier)/\(architecture.rawValue)" }

  /// The image's title, or its name where the title is empty.
  var title: String {
    let line = GrubText.line(image.title)
    return line.isEmpty ? image.name : line
  }

  /// The FAT image with the signed loaders and the stub of the menu.
  func efiSystemPartition(_ menu: BootMenu) async throws -> FilePath {
    let stub = scratch.appending("esp-grub.cfg")
    try AtomicFile.write(Array(menu.stub.utf8), to: stub)
    let mark = scratch.appending("esp-lifeboat")
    try AtomicFile.write(Array("\(identifier)\n".utf8), to: mark)
    let files = try EFISystemPartition.loaders(loaders) + [("EFI/BOOT/lifeboat", mark), ("boot/grub/grub.cfg", stub)]
    let image = scratch.appending("efi.img")
    try await EFISystemPartition(files: files, identifier: identifier, timestamp: timestamp).write(to: image)
    return image
  }

  private func memoryTests() throws -> [BootTree.Entry] {
    try ["memtest86+x64.bin", "memtest86+ia32.bin", "memtest86+x64.efi", "memtest86+ia32.efi"].map { name in
      let file = try LoaderFiles.require(loaders.amd64.appending("boot/\(name)"), package: "memtest86+")
      return try hostFile("boot/memtest/\(name)", file)
    }
  }

  private func hostFile(_ path: String, _ file: FilePath) throws -> BootTree.Entry {
    BootTree.Entry(path, .file(file, try HostFile.size(file)))
  }
}
