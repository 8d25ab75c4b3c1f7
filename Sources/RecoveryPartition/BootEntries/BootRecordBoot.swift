// SPDX-License-Identifier: GPL-3.0-or-later
internal import BootAssembly
internal import HostSystem
package import SystemPackage

/// The start of a recovery partition through the disk's boot record, on a BIOS and only on demand.
///
///     core image on the partition, in one piece ─▶ menu ─▶ save the old sector ─▶ 440 bytes of boot code
///
/// The boot code is the last write, and within one sector: before it the old record starts the computer, after it the
/// new one, which goes on with the old one unless somebody presses Esc. Bytes 440 to 511, the partition table among
/// them, are read and never changed.
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

  package func plan(_ partition: InstalledPartition, _ wish: BootWish) async throws -> [String] {
    let disk = try BootDisk(partition.disk, writable: false)
    defer { disk.close() }
    _ = try check(disk, partition)
    let own = isOwn(try disk.read(at: 0, count: BootRecord.sectorLength), BootRecordVolume(partition))
    let seconds = try delay(wish).counted("second")
    return [
      own
        ? "rewrite the boot code of \(partition.disk), and keep the old record"
        : "replace the boot code of \(partition.disk) (440 bytes), the old one saved on the recovery partition",
      "each start then waits \(seconds) for Esc, and goes on with the old record",
    ]
  }

  package func register(_ partition: InstalledPartition, _ wish: BootWish) async throws -> [BootEntry] {
    let disk = try BootDisk(partition.disk, writable: true)
    defer { disk.close() }
    let boot = try check(disk, partition)
    _ = try delay(wish)
    let volume = BootRecordVolume(partition)
    let before = try disk.read(at: 0, count: BootRecord.sectorLength)
    let wasOwn = isOwn(before, volume)
    let (core, sector) = try await placeCore(disk, volume)
    guard let code = BootRecord.code(boot, loading: sector) else {
      throw BootEntryFailure.recordRefused(
        partition.disk, reason: "\(modules)/boot.img is not what GRUB 2 starts with")
    }
    let menu = BootRecord.startMenu(delay: try delay(wish))
    try await volume.write(Array(menu.utf8), BootRecordFiles.menu)
    if !wasOwn { try await volume.write(before, BootRecordFiles.saved) }
    try await volume.write(code, BootRecordFiles.own)
    try disk.write(code)
    try await volume.removeCores(besides: core)
    return [entry(partition)]
  }

  package func status(of partition: InstalledPartition) async throws -> [BootEntry] {
    let disk = try BootDisk(partition.disk, writable: false)
    defer { disk.close() }
    let sector = try disk.read(at: 0, count: BootRecord.sectorLength)
    return isOwn(sector, BootRecordVolume(partition)) || leads(sector, to: partition) ? [entry(partition)] : []
  }

  package func unregister(_ partition: InstalledPartition) async throws -> [BootEntry] {
    let disk = try BootDisk(partition.disk, writable: true)
    defer { disk.close() }
    let volume = BootRecordVolume(partition)
    let sector = try disk.read(at: 0, count: BootRecord.sectorLength)
    guard (try? volume.content(BootRecordFiles.own)) != nil else {
      if leads(sector, to: partition) { throw BootEntryFailure.recordUnreadable(partition.disk) }
      return []
    }
    guard isOwn(sector, volume) else { throw BootEntryFailure.recordIsForeign(partition.disk) }
    guard let saved = try? volume.content(BootRecordFiles.saved), saved.count == BootRecord.sectorLength,
      saved[510...] == [0x55, 0xaa]
    else { throw BootEntryFailure.savedRecordMissing(FilePath("/" + BootRecordFiles.saved)) }
    try disk.write(Array(saved[..<BootRecord.codeLength]))
    try await volume.removeFolder()
    return [entry(partition)]
  }

  /// As `unregister`, but where another boot loader has taken the sector over since, what was saved is older than that,
  /// and nothing is done.
  func unregisterUnlessForeign(_ partition: InstalledPartition) async throws -> [BootEntry] {
    do { return try await unregister(partition) } catch BootEntryFailure.recordIsForeign { return [] }
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
  private func check(_ disk: BootDisk, _ partition: InstalledPartition) throws -> [UInt8] {
    guard partition.sectorSize == BootRecord.sectorLength else {
      throw BootEntryFailure.recordRefused(
        partition.disk, reason: "a BIOS starts no disk whose sectors have \(partition.sectorSize) bytes")
    }
    guard try disk.read(at: 0, count: BootRecord.sectorLength)[510...] == [0x55, 0xaa] else {
      throw BootEntryFailure.recordRefused(partition.disk, reason: "its first sector is not a boot record")
    }
    let file = modules.appending("boot.img")
    guard FileTree.status(of: file) != nil else { throw BootEntryFailure.modulesMissing(file) }
    return try FileTree.bytes(of: file)
  }

  private func isOwn(_ sector: [UInt8], _ volume: BootRecordVolume) -> Bool {
    guard let own = try? volume.content(BootRecordFiles.own) else { return false }
    return own.count == BootRecord.codeLength && own == Array(sector[..<BootRecord.codeLength])
  }

  /// Whether boot code, whatever of the partition's files can be read, starts the computer from the partition.
  private func leads(_ sector: [UInt8], to partition: InstalledPartition) -> Bool {
    let length = Int64(BootRecord.sectorLength)
    let first = partition.start.bytes / length
    guard let core = BootRecord.coreSector(ofCode: sector) else { return false }
    return (first..<first + partition.size.bytes / length).contains(core)
  }

  /// Makes the core and puts it on the partition, in one run of sectors; what is on the disk there is compared.
  /// - Returns: its name, and its first sector on the disk.
  private func placeCore(_ disk: BootDisk, _ volume: BootRecordVolume) async throws -> (name: String, sector: Int64) {
    let partition = volume.partition
    let image = BootRecord.padded(try await makeCore(for: partition))
    let name = BootRecordFiles.core(Digest(of: image).hex)
    // The list of sectors inside depends on where the file lies, which is known when it lies there.
    if try volume.ranges(name).isEmpty { try await volume.write(image, name) }
    let ranges = try volume.ranges(name)
    guard let place = ranges.first, ranges.count == 1, place.count >= image.count else {
      throw BootEntryFailure.recordRefused(partition.disk, reason: "/\(name) lies in \(ranges.count) pieces")
    }
    let offset = partition.start.bytes + place.lowerBound
    let sector = offset / Int64(BootRecord.sectorLength)
    guard let core = BootRecord.core(image, at: sector) else {
      throw BootEntryFailure.recordRefused(partition.disk, reason: "grub-mkimage made something else than a core image")
    }
    try disk.write(core, at: offset)
    return (name, sector)
  }

  private func makeCore(for partition: InstalledPartition) async throws -> [UInt8] {
    try await HostFile.withPrivateFolder { scratch in
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
