// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
package import BootEntries
internal import BootAssembly
package import HostSystem
internal import SystemPackage

extension RecoveryInstaller {
  /// What an installation has done.
  package struct Installation: Sendable {
    /// The partition.
    package var partition: InstalledPartition
    /// The entries that start it, and why others were not made.
    package var boot: BootOutcome
    /// Bytes that were written.
    package var written: ByteCount
    /// Whether the kernel uses the new table already.
    package var isKnownToKernel: Bool
  }

  /// Carries a plan out: content into the free space, verified; then the table's entry; the boot entry last. Until the
  /// table is written the disk is as it was for everybody.
  /// - Throws: `RecoveryPartitionFailure`, `OperationFailure`, `ExternalCommand.Failure`. What the registration throws is part of the answer.
  package func install(_ set: RecoverySet, _ plan: Plan) async throws -> Installation {
    let written = try await StagedVolume.withFolder(needing: temporarySpace(of: set, plan)) { folder in
      let staged = try StagedVolume(in: folder, size: plan.entry.size, timestamp: set.timestamp)
      try await fill(staged, with: set, plan, in: folder)
      // Somebody may have thought about the plan for hours, and others may not know of the lock.
      _ = try unchangedTable(plan)
      return try VolumeWriter(disk: access, start: plan.entry.start, progress: progress).writeAll(staged)
    }
    try verify(set.identifier, at: plan.entry)
    let (before, table) = (try unchangedTable(plan), try PartitionTable(of: disk))
    let added = try table.add(plan.entry)
    let isKnown = try table.write(before: before, by: access)
    let partition = try installed(
      added.number, in: try PartitionTable(of: disk).layout(), serial: plan.serial, set.title, plan.request.isHidden)
    let boot = try await BootOutcome.of { try await registration.register(partition, on: access, plan.request.wish) }
    return Installation(partition: partition, boot: boot, written: ByteCount(written), isKnownToKernel: isKnown)
  }

  /// The table, which has to be the one that the plan was made for, on the disk and in the kernel.
  /// - Throws: `DiskFailure.changed`, `.kernelDiffers`.
  private func unchangedTable(_ plan: Plan) throws -> PartitionTable {
    let table = try PartitionTable(of: disk)
    guard try table.layout().hasSameTable(as: plan.before) else { throw DiskFailure.changed(disk.path) }
    try disk.requireFree(plan.entry.range)
    return table
  }

  /// What of the volume is in the file, and each file once more while it is copied.
  private func temporarySpace(of set: RecoverySet, _ plan: Plan) -> ByteCount {
    plan.content + StagedVolume.tables(of: plan.entry.size) + set.largestFile + set.systemPartitionSize
  }

  /// Reads back all that the new slot is made of.
  private func verify(_ identifier: String, at entry: PartitionTable.Entry) throws {
    let place = DiskLayout.Partition(
      number: 0, start: ByteCount(entry.start), size: ByteCount(entry.size), type: "", kind: "", uuid: "")
    let damage = try InstalledSlots(access, place).damage(of: identifier)
    guard damage.isEmpty else { throw RecoveryPartitionFailure.slotDamaged(disk.path, files: damage) }
  }

  /// Makes the file system and everything in it, in the file.
  private func fill(_ staged: StagedVolume, with set: RecoverySet, _ plan: Plan, in folder: FilePath) async throws {
    progress(.started(step: "prepare", total: nil))
    try await staged.format(
      sectorSize: plan.before.sectorSize, start: plan.entry.start, serial: plan.serial)
    // First of all: its place goes into the menus, and never changes.
    try await add([.init(SlotState.path, SlotState(current: set.identifier).block)], of: set, to: staged, in: folder)
    let place = try Self.place(in: try staged.volume())
    let key = plan.request.key.map { [RecoverySet.File(InstalledSlots.keyPath, $0)] } ?? []
    let entrance = try await set.entrance(
      serial: place.serial, hotkeyDelay: plan.request.wish.hotkeyDelay, scratch: folder)
    let files = key + entrance + (try set.files(startedFrom: place))
    try await add(files, of: set, to: staged, in: folder)
    try await staged.check()
    progress(.finished(step: "prepare", produced: nil))
  }

  /// Where the menus of a volume find their partition and its state.
  static func place(in volume: FATVolume) throws -> PartitionMenu.Place {
    guard let range = volume.ranges(of: SlotState.path).first else {
      throw DiskFailure.volumeDamaged(reason: "\(SlotState.path) is not there")
    }
    return PartitionMenu.Place(serial: volume.geometry.serial, stateOffset: range.lowerBound)
  }

  /// Copies files of a medium, one after the other: the folder never holds more than one of them.
  func add(_ files: [RecoverySet.File], of set: RecoverySet, to staged: StagedVolume, in folder: FilePath) async throws
  {
    let file = folder.appending("file")
    for each in files {
      try Task.checkCancellation()
      try set.write(each, to: file)
      try await staged.add([(each.path, file)])
      progress(.detail(step: "prepare", line: each.path))
    }
    FileTree.remove(file)
  }
}
