// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
package import SystemPackage

/// Why a recovery partition has no boot entry, or keeps one. What starts the computer otherwise is as it was.
package enum BootEntryFailure: Diagnosable, Equatable {
  /// This computer was not started by UEFI.
  case notUEFI
  /// The disk has an MBR table, by which no UEFI entry can name a partition for certain.
  case noGUID(FilePath)
  /// The firmware's variables are not to be had.
  case variablesAbsent(FilePath)
  /// The firmware's variables cannot be written.
  case variablesReadOnly(reason: String)
  /// The firmware has no room for another variable.
  case variablesFull
  /// The firmware took an entry and has not kept it.
  case entryDropped(label: String)
  /// The firmware keeps its own order.
  case orderNotKept(number: String)
  /// The firmware keeps an entry that was removed.
  case entryStays(number: String)
  /// A file that is not Lifeboat's has the name of one.
  case foreignFile(FilePath)
  /// GRUB's menu could not be made anew; the entry was taken back.
  case menuNotMade(reason: String)
  /// Nothing of an installed GRUB was found.
  case noInstalledGRUB(FilePath)
  /// A file of GRUB's that a boot record is made of is not on this computer.
  case modulesMissing(FilePath)
  /// A boot record cannot be put on this disk.
  case recordRefused(FilePath, reason: String)
  /// The boot record on the disk is not the one that was written.
  case recordIsForeign(FilePath)
  /// A saved boot record is not there or is damaged.
  case savedRecordMissing(FilePath)
  /// The boot record leads to a partition whose files cannot be read, the saved record among them.
  case recordUnreadable(FilePath)
  /// BitLocker measures the boot record.
  case recordMeasured
  /// Nobody could reach the computer's own system.
  case delayMissing
  /// UEFI starts nothing by a boot record.
  case recordOnUEFI
  /// The computer starts nothing by itself that a menu could hand over to.
  case nothingToHandOverTo
  /// Some entries were made, others not.
  case onlySome(made: [BootEntry], reasons: [String])
  /// A BIOS without GRUB, and no boot code was asked for.
  case nothingStartsIt
  /// The EFI system partition takes no more.
  case systemPartitionFull(FilePath)
  /// The EFI system partition cannot be written.
  case systemPartitionReadOnly(FilePath)
  /// What was written to the disk reads back differently.
  case recordNotWritten(FilePath)

  /// Stable identifier.
  package var code: String {
    switch self {
    case .notUEFI: "not-uefi"
    case .noGUID: "no-partition-guid"
    case .variablesAbsent: "firmware-variables-absent"
    case .variablesReadOnly: "firmware-variables-read-only"
    case .variablesFull: "firmware-variables-full"
    case .entryDropped: "boot-entry-dropped"
    case .orderNotKept: "boot-order-not-kept"
    case .entryStays: "boot-entry-stays"
    case .foreignFile: "foreign-file"
    case .menuNotMade: "menu-not-made"
    case .noInstalledGRUB: "no-installed-grub"
    case .modulesMissing: "grub-modules-missing"
    case .recordRefused: "boot-record-refused"
    case .recordIsForeign: "boot-record-foreign"
    case .savedRecordMissing: "saved-boot-record-missing"
    case .recordUnreadable: "boot-record-unreadable"
    case .recordMeasured: "boot-record-measured"
    case .delayMissing: "delay-missing"
    case .recordOnUEFI: "boot-record-on-uefi"
    case .nothingToHandOverTo: "nothing-to-hand-over-to"
    case .onlySome: "boot-entries-incomplete"
    case .nothingStartsIt: "no-boot-entry"
    case .systemPartitionFull: "efi-system-partition-full"
    case .systemPartitionReadOnly: "efi-system-partition-read-only"
    case .recordNotWritten: "boot-record-not-written"
    }
  }

  /// What happened and where.
  package var message: String {
    switch self {
    case .notUEFI: "this computer was not started by UEFI, so its firmware's boot entries cannot be reached"
    case .noGUID(let disk): "\(disk) has an MBR partition table: its partitions have no GUID for a UEFI boot entry"
    case .variablesAbsent(let path): "the firmware's variables cannot be reached: \(path)/efivars is not mounted"
    case .variablesReadOnly(let reason): "the firmware's variables cannot be written: \(reason)"
    case .variablesFull: "the firmware has no room for another boot entry"
    case .entryDropped(let label): "the firmware accepted the boot entry “\(label)” but did not keep it"
    case .orderNotKept(let number):
      "the firmware has the boot entry Boot\(number), but did not take over the new order"
    case .entryStays(let number): "the firmware still has the boot entry Boot\(number), which was removed"
    case .foreignFile(let path): "\(path) was not made by Lifeboat; it was left alone"
    case .menuNotMade(let reason): "the installed GRUB's menu could not be updated: \(reason)"
    case .noInstalledGRUB(let root): "no GRUB is installed in \(root): there is no menu to add an entry to"
    case .modulesMissing(let file): "\(file) is missing, which boot records are made of"
    case .recordRefused(let disk, let reason): "no boot record can be put on \(disk): \(reason)"
    case .recordIsForeign(let disk): "the boot record of \(disk) is no longer Lifeboat's; it was left alone"
    case .savedRecordMissing(let file):
      "the boot record before Lifeboat's is not restored: \(file), where it was saved, is missing or damaged"
    case .recordUnreadable(let disk):
      "the boot record of \(disk) leads to the recovery partition, and the record before it, saved there, cannot be read"
    case .recordMeasured: "BitLocker measures the boot record: with another one it would ask for the recovery key"
    case .delayMissing: "without a delay each start through the boot record would end in the recovery"
    case .recordOnUEFI: "this computer was started by UEFI, which does not use the disk's boot record"
    case .nothingToHandOverTo: "the firmware's order begins with nothing that a menu could start after its delay"
    case .onlySome(let made, let reasons):
      "made \(made.map(\.name).joined(separator: ", ")); not all of the boot entries: \(reasons.joined(separator: "; "))"
    case .nothingStartsIt: "nothing starts the recovery partition: this is a BIOS, and no GRUB is installed"
    case .systemPartitionFull(let folder): "\(folder), the EFI system partition, has no room for an entry"
    case .systemPartitionReadOnly(let folder): "\(folder), the EFI system partition, cannot be written"
    case .recordNotWritten(let disk): "\(disk) does not hold the boot record that was written to it"
    }
  }

  /// What to do about it.
  package var remedy: String? {
    switch self {
    case .notUEFI: "Start the computer by UEFI, or use what starts it now: an installed GRUB, or --mbr-chain."
    case .noGUID: "Choose the disk in the firmware's boot menu; the partition's loader lies where it looks."
    case .variablesAbsent:
      "Mount them (mount -t efivarfs efivarfs /sys/firmware/efi/efivars), \(again)"
    case .variablesReadOnly: "Mount them writable (mount -o remount,rw /sys/firmware/efi/efivars), \(again)"
    case .variablesFull: "Remove boot entries that nobody needs (efibootmgr lists them), \(again)"
    case .entryDropped:
      "Add the entry in the firmware's setup (\\EFI\\BOOT\\BOOTX64.EFI of the recovery partition), or choose the disk in its boot menu."
    case .orderNotKept: "Set the order in the firmware's setup, or choose the entry in its boot menu."
    case .entryStays: "Remove it in the firmware's setup."
    case .foreignFile: "Move it away, \(again)"
    case .menuNotMade: "Mend GRUB's configuration until update-grub succeeds, \(again)"
    case .noInstalledGRUB: "Choose the recovery partition in the firmware's boot menu, or use --mbr-chain on a BIOS."
    case .modulesMissing: "Install it: apt-get install grub-pc-bin grub-common"
    case .recordRefused: "Use an installed GRUB's menu, or the firmware's boot menu."
    case .recordIsForeign: "Do nothing: another boot loader has taken over the disk's first sector."
    case .savedRecordMissing: "Write a boot record with the installed system's own means (bootsect, grub-install)."
    case .recordUnreadable(let disk):
      "Write another boot record first (in Windows: bootsect /nt60 SYS /mbr; in Linux: grub-install \(disk)), then try again."
    case .recordMeasured: "Leave --mbr-chain out, and use the firmware's boot menu."
    case .delayMissing: "Give --hotkey-delay with at least 1 second."
    case .recordOnUEFI: "Leave --mbr-chain out; the firmware has an entry of its own."
    case .nothingToHandOverTo: "Leave --hotkey-delay out, or --boot-order first."
    case .onlySome: "Mend what is named, \(again)"
    case .nothingStartsIt: "Remove it (lifeboat install --remove), and install again with --mbr-chain."
    case .systemPartitionFull(let folder): "Remove what nobody needs from \(folder), \(again)"
    case .systemPartitionReadOnly(let folder): "Mount it writable (mount -o remount,rw \(folder)), \(again)"
    case .recordNotWritten: "Check the disk with: smartctl -a DISK"
    }
  }

  /// How what was mended leads to an entry.
  private var again: String { "then give the same command again." }

  /// What is missing, refused, or failed.
  package var kind: FailureKind {
    switch self {
    case .notUEFI, .noGUID, .noInstalledGRUB, .modulesMissing, .menuNotMade: .unavailable
    case .variablesAbsent, .variablesReadOnly, .variablesFull: .systemLimit
    case .entryDropped, .orderNotKept, .entryStays: .partial
    case .onlySome, .nothingStartsIt: .partial
    case .systemPartitionFull, .systemPartitionReadOnly: .cannotCreate
    case .delayMissing, .recordOnUEFI, .nothingToHandOverTo: .badRequest
    case .foreignFile, .recordRefused, .recordIsForeign, .recordUnreadable, .recordMeasured: .refusedTarget
    case .savedRecordMissing: .noInput
    case .recordNotWritten: .verifyFailed
    }
  }
}
