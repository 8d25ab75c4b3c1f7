// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import BootAssembly
internal import HostSystem
package import SystemPackage

/// The start of a recovery partition through the disk's boot record, on a BIOS and only on demand.
///
///     core image on the partition, in one piece ─▶ menu, old sector, note of what is ours ─▶ 440 bytes of boot code
///
/// The boot code is the last write, and within one sector: before it the old record starts the computer, after it the
/// new one, which goes on with the old one unless somebody presses Esc. Bytes 440 to 511, the partition table among
/// them, are read and never changed. Wherever the power is cut, what was there first is in its place or saved, and
/// the same command again, or the removal, ends well.
package struct BootRecordBoot: BootRegistration {
  /// GRUB's folder of modules for a BIOS.
  let modules: FilePath

  /// Uses the modules that are installed here; nothing is read.
  package init(modules: FilePath = "/usr/lib/grub/i386-pc") { self.modules = modules }

  private static let label = "Esc while the computer starts"

  /// What is built into the core: enough to find the partition and to show its menu without any module's file.
  static let builtIn = [
    "biosdisk", "part_gpt", "part_msdos", "fat", "normal", "search", "search_fs_uuid", "search_fs_file", "configfile",
    "test", "true", "echo", "sleep", "regexp", "cpuid", "linux", "linux16", "chain", "drivemap", "boot", "halt",
    "reboot", "serial", "terminal", "font", "all_video", "vbe", "vga", "gfxterm", "gfxmenu", "png", "password_pbkdf2",
    "minicmd", "ls", "cat", "loadenv", "help",
  ]

  /// The program that makes the core image.
  func makeCore(early: FilePath, output: FilePath) -> ExternalCommand {
    ExternalCommand(
      "grub-mkimage",
      ["-O", "i386-pc", "-d", modules.string, "-c", early.string, "-p", "/boot/grub", "-o", output.string]
        + Self.builtIn, package: "grub-common")
  }

  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] { [.bootRecord] }

  package func plan(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [String] {
    _ = try check(disk, partition)
    let state = try BootRecordState(partition, on: disk)
    _ = try original(state)
    let seconds = try delay(wish).counted("second")
    return [
      state.isOwn
        ? "rewrite the boot code of \(partition.disk), and keep the old record"
        : "replace the boot code of \(partition.disk) (440 bytes), the old one saved on the recovery partition",
      "each start then waits \(seconds) for Esc, and goes on with the old record",
    ]
  }

  package func register(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [BootEntry] {
    let boot = try check(disk, partition)
    let menu = BootRecord.startMenu(delay: try delay(wish))
    let state = try BootRecordState(partition, on: disk)
    let original = try original(state)
    let volume = BootRecordVolume(partition, on: disk)
    let (core, sector) = try await placeCore(volume)
    guard let code = BootRecord.code(boot, loading: sector) else {
      throw BootEntryFailure.recordRefused(
        partition.disk, reason: "\(modules)/boot.img is not what GRUB 2 starts with")
    }
    var files = [(BootRecordFiles.menu, Array(menu.utf8)), (BootRecordFiles.saved, original)]
    if let older = state.saved, older != original {
      files.insert((BootRecordFiles.older(Digest(of: older)), older), at: 0)
    }
    let replaced = BootRecord.code(of: state.sector)
    files.append((BootRecordFiles.own, (state.isOwn && replaced != code ? replaced : []) + code))
    try await volume.put(files)
    try write(code, over: state.sector, of: disk)
    try await volume.removeCores(besides: core)
    return [entry(partition)]
  }

  package func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    try BootRecordState(partition, on: disk).isOwn ? [entry(partition)] : []
  }

  package func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    let state = try BootRecordState(partition, on: disk)
    let volume = BootRecordVolume(partition, on: disk)
    guard state.isOwn else {
      if state.isGivenBack {
        try await forget(volume)
      } else if !state.noted.isEmpty {
        throw BootEntryFailure.recordIsForeign(partition.disk)
      }
      return []
    }
    guard state.isReadable else { throw BootEntryFailure.recordUnreadable(partition.disk) }
    try write(BootRecord.code(of: try original(state)), over: state.sector, of: disk)
    try await forget(volume)
    return [entry(partition)]
  }

  /// The sector that has to come back.
  /// - Throws: `BootEntryFailure.savedRecordMissing` where the code on the disk is ours, and nothing else is known.
  private func original(_ state: BootRecordState) throws -> [UInt8] {
    guard let original = state.original else {
      throw BootEntryFailure.savedRecordMissing(FilePath("/" + BootRecordFiles.saved))
    }
    return original
  }

  /// Writes boot code, within one sector, and reads the sector back: the rest of it has to be what it was.
  private func write(_ code: [UInt8], over sector: [UInt8], of disk: any DiskAccess) throws {
    let range = 0..<Int64(BootRecord.sectorLength)
    guard try disk.bytes(range) == sector else { throw DiskFailure.changed(disk.path) }
    try disk.write(code, at: 0)
    try disk.flush()
    guard try disk.bytes(range) == code + sector[code.count...] else {
      throw BootEntryFailure.recordNotWritten(disk.path)
    }
  }

  /// Removes the files once nothing leads to them. A file system that is too damaged for it keeps them.
  private func forget(_ volume: BootRecordVolume) async throws {
    do { try await volume.removeFolder() } catch DiskFailure.volumeDamaged {}
  }

  /// As `unregister`, but where another boot loader has taken the sector over since, what was saved is older than that,
  /// and nothing is done.
  func unregisterUnlessForeign(
    _ partition: InstalledPartition, on disk: any DiskAccess
  ) async throws -> [BootEntry] {
    do { return try await unregister(partition, on: disk) } catch BootEntryFailure.recordIsForeign { return [] }
  }

  private func delay(_ wish: BootWish) throws -> Int {
    guard let delay = wish.hotkeyDelay, delay > 0 else { throw BootEntryFailure.delayMissing }
    return delay
  }

  private func entry(_ partition: InstalledPartition) -> BootEntry {
    BootEntry(kind: .bootRecord, name: partition.disk.string, label: Self.label)
  }

  /// Looks whether this can be done at all.
  /// - Returns: GRUB's `boot.img`.
  private func check(_ disk: any DiskAccess, _ partition: InstalledPartition) throws -> [UInt8] {
    guard partition.sectorSize == BootRecord.sectorLength else {
      throw BootEntryFailure.recordRefused(
        partition.disk, reason: "a BIOS starts no disk whose sectors have \(partition.sectorSize) bytes")
    }
    guard BootRecord.isRecord(try disk.bytes(0..<Int64(BootRecord.sectorLength))) else {
      throw BootEntryFailure.recordRefused(partition.disk, reason: "its first sector is not a boot record")
    }
    let file = modules.appending("boot.img")
    guard FileTree.status(of: file) != nil else { throw BootEntryFailure.modulesMissing(file) }
    return try FileTree.bytes(of: file)
  }

  /// Makes the core and puts it on the partition, in one run of sectors.
  /// - Returns: its name, and its first sector on the disk.
  private func placeCore(_ volume: BootRecordVolume) async throws -> (name: String, sector: Int64) {
    let partition = volume.partition
    let image = BootRecord.padded(try await makeCore(for: partition))
    let name = BootRecordFiles.core(Digest(of: image).hex)
    func sector(_ place: Int64) -> Int64 { (partition.start.bytes + place) / Int64(BootRecord.sectorLength) }
    // The list of sectors inside depends on where the file lies.
    let place = try await volume.put(name, size: image.count) { place in
      guard let core = BootRecord.core(image, at: sector(place)) else {
        throw BootEntryFailure.recordRefused(
          partition.disk, reason: "grub-mkimage made something else than a core image")
      }
      return core
    }
    return (name, sector(place))
  }

  private func makeCore(for partition: InstalledPartition) async throws -> [UInt8] {
    try await FileTree.withPrivateFolder { scratch in
      let (early, made) = (scratch.appending("early.cfg"), scratch.appending("core.img"))
      try AtomicFile.write(Array(BootRecord.early(serial: partition.fileSystemSerial).utf8), to: early)
      do { try await makeCore(early: early, output: made).run() } catch ExternalCommand.Failure.failed(_, _, let lines)
      {
        throw BootEntryFailure.recordRefused(partition.disk, reason: lines.last ?? "grub-mkimage failed")
      }
      return try FileTree.bytes(of: made)
    }
  }
}
