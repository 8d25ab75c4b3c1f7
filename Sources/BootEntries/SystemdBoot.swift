// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import BootAssembly
@preconcurrency internal import Glibc
internal import HostSystem
package import SystemPackage

/// The entry of a recovery partition in systemd-boot's menu.
///
///     loader/entries/lifeboat-6C696665.conf ─▶ EFI/lifeboat/6C696665.efi ─▶ partition: EFI/BOOT/BOOTX64.EFI
///
/// An entry of the Boot Loader Specification names files of the partition that it lies on alone ("Type #1 Boot Loader
/// Specification Entries", key `efi`). So a small GRUB stands beside it, which finds the recovery partition by the
/// serial number of its file system and starts the loader there: the recovery does not live on the system's partition.
package struct SystemdBoot: BootRegistration {
  /// The root of the installed system: `/` where it is the running one.
  let root: FilePath
  let firmware: SystemdBootFirmware
  /// Where GRUB's program and modules are: `/usr`.
  let tools: FilePath

  /// The systemd-boot of an installed system; nothing is read.
  package init(root: FilePath = "/", firmware: FilePath = "/sys/firmware/efi", tools: FilePath = "/usr") {
    (self.root, self.firmware, self.tools) = (root, SystemdBootFirmware(folder: firmware), tools)
  }

  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] {
    guard let esp = systemPartition, obstacle(esp, partition) == nil else { return [] }
    return [.systemdBoot]
  }

  package func plan(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [String] {
    guard let esp = systemPartition else { return [] }
    if let obstacle = obstacle(esp, partition) { return ["no entry in systemd-boot's menu: \(obstacle)"] }
    return ["add “\(Self.label(partition))” to systemd-boot's menu: \(entryFile(esp, partition))"]
  }

  package func register(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [BootEntry] {
    guard let esp = systemPartition, obstacle(esp, partition) == nil else { return [] }
    let (entry, image) = (entryFile(esp, partition), imageFile(esp, partition))
    for file in [entry, image] where FileTree.kind(of: file) != nil && !isOwn(file, partition) {
      throw BootEntryFailure.foreignFile(file)
    }
    let bytes = try await makeImage(partition)
    let isNew = FileTree.kind(of: image) == nil
    do {
      for file in [image, entry] { try FileTree.makeFolder(file.removingLastComponent()) }
      // The entry comes last: it never names what is not whole.
      if (try? FileTree.bytes(of: image)) != bytes { try AtomicFile.write(bytes, to: image) }
      try AtomicFile.write(Array(entryText(partition).utf8), to: entry)
    } catch let failure as OperationFailure {
      if isNew { unlink(image.string) }
      rmdir(image.removingLastComponent().string)
      throw Self.words(failure, esp)
    }
    return [BootEntry(kind: .systemdBoot, name: entry.string, label: Self.label(partition))]
  }

  package func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    candidates.map { entryFile($0, partition) }.filter { isOwn($0, partition) }
      .map { BootEntry(kind: .systemdBoot, name: $0.string, label: Self.label(partition)) }
  }

  package func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    let entries = try await status(of: partition, on: disk)
    for esp in candidates {
      let image = imageFile(esp, partition)
      for file in [entryFile(esp, partition), image] where isOwn(file, partition) {
        guard unlink(file.string) == 0 else {
          throw Self.words(OperationFailure("remove", file, Errno(rawValue: errno)), esp)
        }
      }
      rmdir(image.removingLastComponent().string)
    }
    return entries
  }

  private static func label(_ partition: InstalledPartition) -> String {
    GrubText.line("Recovery: \(partition.title)")
  }

  /// What a full or read-only partition means.
  private static func words(_ failure: OperationFailure, _ esp: FilePath) -> any Error {
    switch failure.errno {
    case .noSpace: BootEntryFailure.systemPartitionFull(esp)
    case .readOnlyFileSystem: BootEntryFailure.systemPartitionReadOnly(esp)
    default: failure
    }
  }
}

/// Where things lie, and what they are.
extension SystemdBoot {
  /// Where EFI system partitions are mounted, in the order of `bootctl --print-esp-path`.
  private var candidates: [FilePath] { ["efi", "boot", "boot/efi"].map { root.pushing(FilePath($0)) } }

  /// The EFI system partition with systemd-boot on it; nil where that is not what is installed.
  var systemPartition: FilePath? {
    guard let width = FirmwareWidth(of: firmware.folder) else { return nil }
    return candidates.first { folder in
      FileTree.kind(of: folder.pushing(FilePath("EFI/systemd/systemd-boot\(width.suffix).efi"))) == .file
        && FileTree.kind(of: folder.appending("loader")) == .folder && Self.isMounted(folder)
    }
  }

  /// Whether there is a menu to add an entry to.
  package var isPresent: Bool { systemPartition != nil }

  /// Firmware sees a partition, and not what a folder has while nothing is mounted there.
  private static func isMounted(_ folder: FilePath) -> Bool {
    var (own, above) = (stat(), stat())
    return stat(folder.string, &own) == 0 && stat(folder.removingLastComponent().string, &above) == 0
      && own.st_dev != above.st_dev
  }

  private func serial(_ partition: InstalledPartition) -> String {
    partition.fileSystemSerial.replacing("-", with: "")
  }
  private func entryFile(_ esp: FilePath, _ partition: InstalledPartition) -> FilePath {
    esp.pushing(FilePath("loader/entries/lifeboat-\(serial(partition)).conf"))
  }
  private func imageFile(_ esp: FilePath, _ partition: InstalledPartition) -> FilePath {
    esp.pushing(FilePath("EFI/lifeboat/\(serial(partition)).efi"))
  }

  /// In the entry as a comment; in the image as a message.
  private func mark(_ partition: InstalledPartition) -> String {
    "Lifeboat: the recovery partition \(partition.fileSystemSerial)"
  }

  private func isOwn(_ file: FilePath, _ partition: InstalledPartition) -> Bool {
    ((try? FileTree.bytes(of: file)) ?? []).firstRange(of: Array(mark(partition).utf8)) != nil
  }

  private func entryText(_ partition: InstalledPartition) -> String {
    """
    # \(mark(partition)); "lifeboat install --remove" removes this.
    title \(Self.label(partition))
    efi /EFI/lifeboat/\(serial(partition)).efi

    """
  }

  /// Run by GRUB's rescue parser, which goes on after errors and knows no `if`. Where the partition is not found, the
  /// folder that the loader is looked for in must not be that of systemd-boot itself.
  private func early(_ partition: InstalledPartition, _ width: FirmwareWidth) -> String {
    """
    search --no-floppy --fs-uuid --set=recovery \(partition.fileSystemSerial)
    set root=$recovery
    chainloader ($recovery)/EFI/BOOT/\(width.fallbackLoader)
    boot
    echo "\(mark(partition)) cannot be started."
    sleep 10
    exit

    """
  }

  private static let builtIn = [
    "part_gpt", "part_msdos", "fat", "search", "search_fs_uuid", "chain", "boot", "echo", "sleep", "minicmd",
  ]

  private var program: FilePath { tools.pushing("bin/grub-mkimage") }
  private func modules(_ width: FirmwareWidth) -> FilePath {
    tools.pushing("lib/grub").appending(width.platform)
  }

  private func makeImage(_ partition: InstalledPartition) async throws -> [UInt8] {
    let width = FirmwareWidth(of: firmware.folder) ?? .bits64
    return try await FileTree.withPrivateFolder { scratch in
      let (config, made) = (scratch.appending("early.cfg"), scratch.appending("image"))
      try AtomicFile.write(Array(early(partition, width).utf8), to: config)
      try await ExternalCommand(
        program.string,
        [
          "-O", width.platform, "-d", modules(width).string, "-c", config.string, "-p", "/EFI/lifeboat", "-o",
          made.string,
        ] + Self.builtIn, package: "grub-common"
      ).run()
      return try FileTree.bytes(of: made)
    }
  }

  /// Why no entry is made; the firmware's own one stays the way then.
  func obstacle(_ esp: FilePath, _ partition: InstalledPartition) -> String? {
    guard let isSecure = firmware.hasSecureBoot else { return "whether Secure Boot is on cannot be read" }
    if isSecure { return "Secure Boot is on, and the loader that it needs is not signed" }
    guard FileTree.kind(of: program) != nil else { return "\(program) is missing (package grub-common)" }
    let width = FirmwareWidth(of: firmware.folder) ?? .bits64
    guard FileTree.kind(of: modules(width).appending("chain.mod")) == .file else {
      return "\(modules(width)) is missing (package \(width.package))"
    }
    if isOwn(entryFile(esp, partition), partition) || hasOtherDefault { return nil }
    return "it would become what starts by itself; name that in \(esp)/loader/loader.conf (default NAME.conf)"
  }

  /// Whether something else starts by itself when one more entry is there.
  ///
  /// systemd-boot takes the first of its list where no default is named. Entries with a `sort-key`, and unified kernel
  /// images, come before those without (boot.c, config_entry_compare).
  private var hasOtherDefault: Bool {
    if firmware.namesDefault { return true }
    var (names, patterns): ([String], [String]) = ([], [])
    for folder in candidates {
      if !FileTree.names(in: folder.pushing("EFI/Linux")).filter({ $0.lowercased().hasSuffix(".efi") }).isEmpty {
        return true
      }
      let entries = folder.pushing("loader/entries")
      for name in FileTree.names(in: entries) where name.hasSuffix(".conf") && !name.hasPrefix("lifeboat-") {
        if values("sort-key", in: entries.appending(name)).first != nil { return true }
        names.append(name.lowercased())
      }
      patterns += values("default", in: folder.pushing("loader/loader.conf"))
    }
    return patterns.contains { pattern in
      pattern.hasPrefix("auto-")
        || names.contains { fnmatch(pattern.lowercased(), $0, 0) == 0 }
          && fnmatch(pattern.lowercased(), "lifeboat-0.conf", 0) != 0
    }
  }

  /// What a file in systemd-boot's format says for a key.
  private func values(_ key: String, in file: FilePath) -> [String] {
    ((try? FileTree.text(of: file)) ?? "").split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
      return words.count == 2 && words[0] == key ? words[1].filter { !$0.isWhitespace } : nil
    }
  }
}
