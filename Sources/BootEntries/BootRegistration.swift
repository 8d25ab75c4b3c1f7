// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks

/// The way by which a computer comes to start its recovery partition: an entry of the firmware, of an installed boot
/// loader, or code in a boot record.
///
/// It is the last step of an installation and the first of a removal: an entry never names what is not whole. The disk is
/// the one that is held; none is opened by its name.
package protocol BootRegistration: Sendable {
  /// What `register` would change, a line for each, for the plan that a person agrees to. Changes nothing.
  /// - Throws: a `Diagnosable` where it could not be done: efivarfs read-only or full, no place for an entry.
  func plan(_ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish) async throws -> [String]

  /// Makes the entries, and looks whether they are there afterwards: some firmware drops them.
  func register(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [BootEntry]

  /// The kinds of entries that `register` would make here, in its order; reads nothing that could fail.
  func kinds(for partition: InstalledPartition) -> [BootEntry.Kind]

  /// The entries that there are for the partition.
  func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry]

  /// Removes the entries of this partition and no others, and restores what was saved for them.
  /// - Returns: what was removed.
  func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry]
}

/// What is asked of a boot entry.
package struct BootWish: Sendable, Equatable {
  /// The entry's place among the others; nil leaves the order alone and only adds the entry.
  package var place: Place?
  /// Seconds for which a start waits for the key that opens the recovery; nil where the recovery is chosen elsewhere.
  package var hotkeyDelay: Int?
  /// A volume of the disk is encrypted by BitLocker: the boot order is never changed, since the TPM measures it.
  package var hasBitLocker: Bool

  /// A place in the boot order.
  package enum Place: String, Sendable, Codable, CaseIterable { case first, last }

  /// Describes a wish.
  package init(place: Place? = .last, hotkeyDelay: Int? = nil, hasBitLocker: Bool = false) {
    (self.place, self.hotkeyDelay, self.hasBitLocker) = (place, hotkeyDelay, hasBitLocker)
  }
}

/// An entry by which the partition is started.
package struct BootEntry: Sendable, Equatable, Codable {
  /// Whose entry it is.
  package var kind: Kind
  /// By what it is known there: `Boot0004`, a file's path.
  package var name: String
  /// The words that a person sees there.
  package var label: String

  /// A keeper of boot entries.
  package enum Kind: String, Sendable, Codable {
    /// A variable of UEFI.
    case firmware
    /// The configuration of GRUB of an installed Linux.
    case grub
    /// A loader entry of systemd-boot.
    case systemdBoot = "systemd-boot"
    /// The code in the disk's first sector.
    case bootRecord = "boot-record"
  }

  /// Describes one.
  package init(kind: Kind, name: String, label: String) {
    (self.kind, self.name, self.label) = (kind, name, label)
  }
}

/// For the image of a disk: the computer that will have the disk makes its entries itself, or finds the fallback loader.
/// Boot code lies on the disk, and can be made here.
package struct ImageBoot: BootRegistration {
  private let record = BootRecordBoot()
  let usesRecord: Bool

  /// - Parameter usesRecord: whether the disk's boot code is to lead to the recovery.
  package init(usesRecord: Bool = false) { self.usesRecord = usesRecord }

  package func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] { usesRecord ? [.bootRecord] : [] }

  package func plan(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [String] {
    if usesRecord, wish.hasBitLocker { throw BootEntryFailure.recordMeasured }
    return usesRecord ? try await record.plan(partition, on: disk, wish) : []
  }

  package func register(
    _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
  ) async throws -> [BootEntry] {
    usesRecord ? try await record.register(partition, on: disk, wish) : []
  }

  package func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    try await record.status(of: partition, on: disk)
  }

  package func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
    try await record.unregisterUnlessForeign(partition, on: disk)
  }
}
