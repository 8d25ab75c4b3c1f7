// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
internal import SystemPackage

/// What clients begin with that load files one by one: by PXE and by iPXE.
extension ImageObjects {
  private static let text = "text/plain"
  private static let program = "application/efi"

  /// The script of iPXE.
  func addScript(of disk: NetworkBootDisk, to result: inout Result) throws {
    let folder = "boot/\(disk.image)"
    let script = IPXEScript(
      title: disk.title, folder: folder, servers: servers, arguments: result.image.media.mapValues(\.arguments))
    try add(Array(script.text.utf8), as: "\(folder)/boot.ipxe", type: Self.text, for: "ipxe", to: &result)
  }

  /// shim with the signed GRUB, our own GRUBs for a BIOS and for 32-bit UEFI, and the menu of all of them.
  ///
  /// They come from one medium, so that shim and GRUB are of one release. Media of an older Lifeboat carry none; then
  /// the image goes without.
  func addPXELoaders(
    of disk: NetworkBootDisk, from media: [PublishedMedium], to result: inout Result
  ) async throws {
    guard let medium = media.first(where: \.hasNetworkLoaders) else { return }
    let folder = "boot/\(disk.image)/pxe"
    let files = scratch.appending("netboot")
    FileTree.remove(files)
    try medium.extract(NetworkLoaders.folder, to: files)
    try add(Array(disk.servedMenu.utf8), as: NetworkMenu.name(of: disk.image), type: Self.text, to: &result)
    for entry in disk.look {
      guard case .bytes(let bytes) = entry.content, entry.path.hasPrefix(NetworkMenu.mediumTheme) else { continue }
      let name = NetworkMenu.theme(of: disk.image) + entry.path.dropFirst(NetworkMenu.mediumTheme.count)
      try add(bytes, as: name, type: Self.plain, to: &result)
    }
    let (partition, shim) = (scratch.appending("efi.img"), scratch.appending("shimx64.efi"))
    try medium.writeSystemPartition(to: partition)
    FileTree.remove(shim)
    try await NetworkLoaders.extractShim(from: partition, to: shim).run()
    try add(shim, as: "\(folder)/shimx64.efi", type: Self.program, for: "uefi-x64-pxe", to: &result)
    try add(
      files.appending(NetworkLoaders.signedGRUB), as: NetworkMenu.signedGRUB(of: disk.image), type: Self.program,
      to: &result)
    let finder = NetworkMenu.finder(image: disk.image, servers: servers)
    let own = [
      (NetworkLoaders.Platform.bios, "bios.0", Self.plain, "bios-pxe"),
      (.ia32, "ia32.efi", Self.program, "uefi-ia32-pxe"),
    ]
    for (platform, name, type, entry) in own {
      let target = scratch.appending(name)
      try await NetworkGRUB(
        platform: platform, modules: files.appending(platform.folder), finder: finder, timestamp: disk.timestamp
      ).write(to: target, scratch: scratch)
      try add(target, as: "\(folder)/\(name)", type: type, for: entry, to: &result)
    }
    // These come with the set, see `Site.commit`.
    result.image.files += [NetworkMenu.dispatcherName, NetworkMenu.bareGRUBName]
  }

  private func add(
    _ bytes: [UInt8], as name: String, type: String, for entry: String? = nil, to result: inout Result
  ) throws {
    let file = scratch.appending("object")
    try AtomicFile.write(bytes, to: file)
    try add(file, as: name, type: type, for: entry, to: &result)
  }

  /// Takes a file into the store, as what a kind of client begins with, or as what a loader asks for by itself.
  private func add(
    _ file: FilePath, as name: String, type: String, for entry: String? = nil, to result: inout Result
  ) throws {
    try adopt(file, as: name, type: type, into: &result)
    if let entry { result.image.entries[entry] = name } else { result.image.files.append(name) }
  }
}
