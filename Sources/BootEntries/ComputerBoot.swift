// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
internal import HostSystem

/// All the ways by which this computer can come to start its recovery partition, and those that were asked for.
///
///     started by UEFI        an entry of the firmware
///     GRUB is installed      an entry of its menu, on UEFI and on a BIOS
///     systemd-boot is        an entry of its menu, on UEFI without Secure Boot
///     asked for, on a BIOS   boot code in the disk's first sector
///
/// None of them is a reason not to install: a way that turns out to be closed leaves the partition, and the others.
package struct ComputerBoot: BootRegistration {
  let firmware: FirmwareBoot
  let grub: InstalledGRUB
  let systemdBoot: SystemdBoot
  let record: BootRecordBoot
  /// Whether the disk's boot code is to lead to the recovery.
  let usesRecord: Bool

  /// This computer; nothing is read.
  /// - Parameter usesRecord: whether the disk's boot code is to be replaced.
  package init(usesRecord: Bool = false) {
    self.init(
      firmware: FirmwareBoot(), grub: InstalledGRUB(), systemdBoot: SystemdBoot(), record: BootRecordBoot(),
      usesRecord: usesRecord)
  }

  init(
    firmware: FirmwareBoot, grub: InstalledGRUB, systemdBoot: SystemdBoot, record: BootRecordBoot, usesRecord: Bool
  ) {
    (self.firmware, self.grub, self.systemdBoot) = (firmware, grub, systemdBoot)
    (self.record, self.usesRecord) = (record, usesRecord)
  }

  /// The ways that are there.
  private var ways: [any BootRegistration] {
    (firmware.isPresent ? [firmware] : []) + (grub.isPresent ? [grub] : [])
      + (systemdBoot.isPresent ? [systemdBoot] : []) + (usesRecord ? [record] : [])
  }

  private func requirePossible(_ wish: BootWish) throws {
    if usesRecord, wish.hasBitLocker { throw BootEntryFailure.recordMeasured }
    if usesRecord, firmware.isPresent { throw BootEntryFailure.recordOnUEFI }
  }

  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] {
    ways.flatMap { $0.kinds(for: partition) }
  }

  package func plan(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [String] {
    try requirePossible(wish)
    var lines: [String] = []
    let ways = ways
    for way in ways {
      do { lines += try await way.plan(partition, on: disk, wish) } catch let failure as any Diagnosable
        where way is FirmwareBoot
      {
        lines.append("no firmware entry: \(failure.message)")
        continue
      }
      guard way is FirmwareBoot, handsOver(wish) else { continue }
      let seconds = (wish.hotkeyDelay ?? 0).counted("second")
      lines.append("each start then waits \(seconds) for Esc, and goes on with what stood first")
    }
    return ways.isEmpty
      ? ["no boot entry: \(BootEntryFailure.nothingStartsIt.message); --mbr-chain would start it"] : lines
  }

  package func register(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [BootEntry] {
    try requirePossible(wish)
    var made: [BootEntry] = []
    var failures: [any Error] = []
    let ways = ways
    guard !ways.isEmpty else { throw BootEntryFailure.nothingStartsIt }
    do { try await prepareHandOver(partition, on: disk, wish) } catch { failures.append(error) }
    for way in ways where failures.isEmpty || !(way is FirmwareBoot) {
      do { made += try await way.register(partition, on: disk, wish) } catch { failures.append(error) }
    }
    guard let first = failures.first else { return made }
    // Without the first place nobody waits for a key in the recovery's own menu.
    if !made.contains(where: { $0.kind == .firmware }) {
      try? await BootRecordVolume(partition, on: disk).remove(HandOver.path)
    }
    if made.isEmpty { throw first }
    throw BootEntryFailure.onlySome(
      made: made, reasons: failures.map { ($0 as? any Diagnosable)?.message ?? "\($0)" })
  }

  package func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    let grub = try await grub.status(of: partition, on: disk)
    let record = firmware.isPresent ? [] : try await record.status(of: partition, on: disk)
    return try await firmware.status(of: partition, on: disk) + grub + systemdBoot.status(of: partition, on: disk)
      + record
  }

  package func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    // What refuses comes first: nothing is half removed then.
    let record = firmware.isPresent ? [] : try await record.unregisterUnlessForeign(partition, on: disk)
    return try await firmware.unregister(partition, on: disk) + grub.unregister(partition, on: disk)
      + systemdBoot.unregister(partition, on: disk) + record
  }

  private func handsOver(_ wish: BootWish) -> Bool {
    firmware.isPresent && wish.hotkeyDelay != nil && wish.place == .first && !wish.hasBitLocker
  }

  /// Writes what the menu does first, before the entry becomes the first; or takes it away.
  private func prepareHandOver(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws {
    guard firmware.isPresent, partition.table == .gpt else { return }
    let volume = BootRecordVolume(partition, on: disk)
    guard handsOver(wish) else { return try await volume.remove(HandOver.path) }
    guard let usual = try await firmware.usual(besides: partition) else { throw BootEntryFailure.nothingToHandOverTo }
    let device = "/dev/disk/by-partuuid/\(usual.partition)"
    let serial = try await ExternalCommand(
      "blkid", ["--probe", "--output", "value", "--match-tag", "UUID", device], package: "util-linux"
    ).text().filter { !$0.isWhitespace }
    guard let text = HandOver.text(serial: serial, loader: usual.loader) else {
      throw BootEntryFailure.nothingToHandOverTo
    }
    try await volume.put([(HandOver.path, Array(text.utf8))])
  }
}
