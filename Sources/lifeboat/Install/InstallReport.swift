// SPDX-License-Identifier: GPL-3.0-or-later
import Disks
import BootEntries
import HostSystem
import RecoveryPartition
import SystemPackage

/// What `lifeboat install` says to programs.
struct InstallReport: Encodable {
  struct Partition: Encodable {
    var disk: String
    var table: String
    var number: Int
    var start: ByteCount
    var size: ByteCount
    var sectorSize: Int
    var partitionUUID: String
    var fileSystemSerial: String
    var isHidden: Bool

    init(_ partition: InstalledPartition) {
      (disk, table, number) = (partition.disk.string, partition.table.rawValue, partition.number)
      (start, size, sectorSize) = (partition.start, partition.size, partition.sectorSize)
      (partitionUUID, fileSystemSerial) = (partition.partitionUUID, partition.fileSystemSerial)
      isHidden = partition.isHidden
    }
  }

  /// What happened: `planned`, `installed`, `updated`, `unchanged`, `status`, `removed`.
  var state: String
  var partition: Partition?
  var current: String?
  var previous: String?
  var slots: [RecoveryInstaller.Slot]?
  var before: DiskLayout?
  var after: DiskLayout?
  var encrypted: [EncryptedVolume]?
  /// What the boot entries change, a line for each.
  var boot: [String]?
  var bootEntries: [BootEntry]?
  /// Why others were not made.
  var bootFailure: ErrorReport?
  var nextStart: String?
  var written: ByteCount?
  var shared: ByteCount?
  var copied: [String]?

  init(plan: RecoveryInstaller.Plan, set: RecoverySet) {
    (state, current, partition) = ("planned", set.identifier, Partition(plan.partition))
    (before, after, encrypted, boot) = (plan.before, plan.after, plan.encrypted, plan.boot)
  }

  init(_ done: RecoveryInstaller.Installation, set: RecoverySet, _ plan: RecoveryInstaller.Plan) {
    (state, current, partition) = ("installed", set.identifier, Partition(done.partition))
    (bootEntries, bootFailure) = (done.boot.entries, done.boot.failure.map { ErrorReport($0) })
    (boot, nextStart, written) = (plan.boot, plan.nextStart(done.boot.entries), done.written)
  }

  /// - Parameter boot: what has become of boot entries that were missing.
  init(_ done: RecoveryInstaller.Update, _ boot: BootOutcome, set: RecoverySet) {
    state = done.isNew || !boot.entries.isEmpty ? "updated" : "unchanged"
    (current, previous) = (done.identifier, done.previous)
    (written, shared, copied) = (done.written, done.shared, done.copied)
    (bootEntries, bootFailure) = (boot.entries, boot.failure.map { ErrorReport($0) })
  }

  init(_ status: RecoveryInstaller.Status) {
    (state, current, previous) = ("status", status.state.current, status.state.previous)
    (partition, slots, encrypted) = (Partition(status.partition), status.slots, status.encrypted)
    bootEntries = status.entries
  }

  init(_ done: RecoveryInstaller.Removal) {
    (state, partition, bootEntries) = ("removed", Partition(done.partition), done.entries)
  }
}
