// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
package import BootEntries
internal import BootAssembly
internal import HostSystem
internal import Signing
internal import SystemPackage

/// Boot entries of a partition that is there already: an installation was interrupted, the firmware has dropped its
/// entry, or another system's installer has.
extension RecoveryInstaller {
  /// Whether an installation was done already: the partition starts this version, and is as it was asked for.
  /// - Throws: `RecoveryPartitionFailure`, `OperationFailure`.
  package func hasInstalled(_ set: RecoverySet, _ request: Request) throws -> Bool {
    let found = try DiskExamination(disk)
    guard let place = found.recovery, let slots = try? InstalledSlots(access, place) else { return false }
    let isSize = request.size.map { $0.bytes >> 20 == place.size.bytes >> 20 } ?? true
    let isDelay = request.wish.hotkeyDelay.map { $0 == slots.hotkeyDelay } ?? true
    return slots.state.current == set.identifier && isSize && isDelay && request.isHidden == Self.isHidden(place)
  }

  /// Whether Windows and desktops leave a partition alone.
  static func isHidden(_ place: DiskLayout.Partition) -> Bool {
    place.type == PartitionTable.Entry.hiddenGUID || place.type == "0x1c"
  }

  /// Makes the entries that this computer can have and that are not there.
  /// - Parameter asked: what is asked of them, also of those that are there; nil leaves these alone.
  /// - Returns: those that were made, and why others were not.
  /// - Throws: `RecoveryPartitionFailure` where the partition itself is not in order.
  package func completeEntries(_ asked: BootWish? = nil, isBitLockerSuspended: Bool) async throws -> BootOutcome {
    let found = try DiskExamination(disk)
    guard let place = found.recovery else { throw RecoveryPartitionFailure.absent(disk.path) }
    let slots = try InstalledSlots(access, place)
    let partition = try installed(slots, in: found.layout)
    let held = try disk.hold(place.number, at: place.start)
    defer { try? held?.close() }
    var before: [BootEntry] = []
    var outcome = try await BootOutcome.of {
      before = try await registration.status(of: partition, on: access)
      let missing = registration.kinds(for: partition).filter { kind in !before.contains { $0.kind == kind } }
      guard asked != nil || !missing.isEmpty else { return [] }
      try found.requireNoActiveBitLocker(disk.path, saidSuspended: isBitLockerSuspended)
      var wish = asked ?? slots.wish(hasFirmwareEntry: before.contains { $0.kind == .firmware })
      if found.hasBitLocker { wish = BootWish(place: nil, hasBitLocker: true) }
      return try await registration.register(partition, on: access, wish)
    }
    outcome.entries.removeAll(where: before.contains)
    return outcome
  }

  /// The partition as a boot entry names it.
  func installed(_ slots: InstalledSlots, in layout: DiskLayout) throws -> InstalledPartition {
    try installed(
      slots.partition.number, in: layout, serial: slots.volume.geometry.serial,
      slots.record(slots.state.current)?.title ?? "", Self.isHidden(slots.partition))
  }
}

extension InstalledSlots {
  /// Seconds in which Esc opens the recovery, as the installation was asked for.
  var hotkeyDelay: Int? {
    let chooser = (try? volume.content(of: Self.chooserPath)) ?? []
    return PartitionMenu.hotkeyDelay(ofChooser: String(decoding: chooser, as: UTF8.self))
  }

  /// What the entries were asked for, as far as the partition tells: what it hands over to after a delay is there where it
  /// was to be the first. The place of an entry that is there belongs to whoever has moved it.
  fileprivate func wish(hasFirmwareEntry: Bool) -> BootWish {
    if volume.nodes[PartitionMenu.firstPath] != nil { return BootWish(place: .first, hotkeyDelay: hotkeyDelay) }
    return BootWish(place: hasFirmwareEntry ? nil : .last)
  }
}
