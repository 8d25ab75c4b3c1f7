// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// All the ways by which this computer can come to start its recovery partition, and those that were asked for.
///
///     started by UEFI        an entry of the firmware
///     GRUB is installed      an entry of its menu, on UEFI and on a BIOS
///     asked for, on a BIOS   boot code in the disk's first sector
///
/// systemd-boot gets nothing of its own: an entry of the Boot Loader Specification can only name files on the partition
/// that it lies on itself ("Type #1 Boot Loader Specification Entries", keys `linux` and `efi`), so it cannot start a
/// loader of another partition. The firmware's entry starts the recovery there.
package struct ComputerBoot: BootRegistration {
  let firmware: FirmwareBoot
  let grub: InstalledGRUB
  let record: BootRecordBoot
  /// Whether the disk's boot code is to lead to the recovery.
  let usesRecord: Bool

  /// This computer; nothing is read.
  /// - Parameter usesRecord: whether the disk's boot code is to be replaced.
  package init(usesRecord: Bool = false) {
    self.init(firmware: FirmwareBoot(), grub: InstalledGRUB(), record: BootRecordBoot(), usesRecord: usesRecord)
  }

  init(firmware: FirmwareBoot, grub: InstalledGRUB, record: BootRecordBoot, usesRecord: Bool) {
    (self.firmware, self.grub, self.record, self.usesRecord) = (firmware, grub, record, usesRecord)
  }

  /// The ways that are there.
  private func ways(_ wish: BootWish) throws -> [any BootRegistration] {
    if usesRecord, wish.hasBitLocker { throw BootEntryFailure.recordMeasured }
    if usesRecord, firmware.isPresent { throw BootEntryFailure.recordOnUEFI }
    return (firmware.isPresent ? [firmware] : []) + (grub.isPresent ? [grub] : []) + (usesRecord ? [record] : [])
  }

  package func plan(_ partition: InstalledPartition, _ wish: BootWish) async throws -> [String] {
    var lines: [String] = []
    for way in try ways(wish) { lines += try await way.plan(partition, wish) }
    if handsOver(wish) {
      let seconds = (wish.hotkeyDelay ?? 0).counted("second")
      lines.append("each start then waits \(seconds) for Esc, and goes on with what stood first")
    }
    return lines.isEmpty ? ["no boot entry: the firmware's boot menu starts the partition, if it looks there"] : lines
  }

  package func register(_ partition: InstalledPartition, _ wish: BootWish) async throws -> [BootEntry] {
    var made: [BootEntry] = []
    var failures: [any Error] = []
    do { try await prepareHandOver(partition, wish) } catch { failures.append(error) }
    for way in try ways(wish) where failures.isEmpty || !(way is FirmwareBoot) {
      do { made += try await way.register(partition, wish) } catch { failures.append(error) }
    }
    guard let first = failures.first else { return made }
    if made.isEmpty { throw first }
    throw BootEntryFailure.onlySome(
      made: made.map(\.name), reasons: failures.map { ($0 as? any Diagnosable)?.message ?? "\($0)" })
  }

  package func status(of partition: InstalledPartition) async throws -> [BootEntry] {
    let grub = try await grub.status(of: partition)
    let record = firmware.isPresent ? [] : try await record.status(of: partition)
    return try await firmware.status(of: partition) + grub + record
  }

  package func unregister(_ partition: InstalledPartition) async throws -> [BootEntry] {
    let entries = try await firmware.unregister(partition) + grub.unregister(partition)
    guard !firmware.isPresent else { return entries }
    return try await entries + record.unregisterUnlessForeign(partition)
  }

  private func handsOver(_ wish: BootWish) -> Bool {
    firmware.isPresent && wish.hotkeyDelay != nil && wish.place == .first && !wish.hasBitLocker
  }

  /// Writes what the menu does first, before the entry becomes the first; or takes it away.
  private func prepareHandOver(_ partition: InstalledPartition, _ wish: BootWish) async throws {
    guard firmware.isPresent, partition.table == .gpt else { return }
    let volume = BootRecordVolume(partition)
    guard handsOver(wish) else { return try await volume.remove(HandOver.path) }
    guard let usual = try await firmware.usual(besides: partition) else { throw BootEntryFailure.nothingToHandOverTo }
    let device = "/dev/disk/by-partuuid/\(usual.partition)"
    let serial = try await ExternalCommand(
      "blkid", ["--probe", "--output", "value", "--match-tag", "UUID", device], package: "util-linux"
    ).text().filter { !$0.isWhitespace }
    guard let text = HandOver.text(serial: serial, loader: usual.loader) else {
      throw BootEntryFailure.nothingToHandOverTo
    }
    try await volume.write(Array(text.utf8), HandOver.path)
  }
}
