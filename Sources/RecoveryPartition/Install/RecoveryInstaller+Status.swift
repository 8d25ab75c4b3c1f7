// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
package import BootEntries
internal import BootAssembly
package import HostSystem
internal import Signing
internal import SystemPackage

extension RecoveryInstaller {
  /// A recovery partition as it stands.
  package struct Status: Sendable {
    /// The disk.
    package var layout: DiskLayout
    /// What is encrypted on it.
    package var encrypted: [EncryptedVolume]
    /// The partition.
    package var partition: InstalledPartition
    /// Which slot starts.
    package var state: SlotState
    /// The slot that starts, then the other one.
    package var slots: [Slot]
    /// What new files may take.
    package var free: ByteCount
    /// The public key that media must be signed by.
    package var key: String?
    /// The entries that start it.
    package var entries: [BootEntry]
  }

  /// A version of the recovery system on the partition.
  package struct Slot: Sendable, Encodable {
    package var identifier: String
    package var image: String?
    package var title: String?
    package var architectures: [String]
    /// Seconds since 1970.
    package var timestamp: Int64?
    package var isSigned: Bool
    /// Bytes of its files, layers included.
    package var size: ByteCount
    /// Files that are not what they should be.
    package var damage: [String]
  }

  /// Reads all of both slots.
  /// - Throws: `RecoveryPartitionFailure.absent`, `.volumeDamaged`; `OperationFailure`.
  package func status() async throws -> Status {
    let found = try DiskExamination(disk)
    guard let place = found.recovery else { throw RecoveryPartitionFailure.absent(disk.path) }
    let slots = try InstalledSlots(access, place)
    let partition = try installed(slots, in: found.layout)
    return Status(
      layout: found.layout, encrypted: found.encrypted, partition: partition, state: slots.state,
      slots: try slots.state.slots.map { try slot($0, in: slots) }, free: slots.volume.free,
      key: slots.key.map { String(decoding: $0, as: UTF8.self) },
      entries: try await registration.status(of: partition, on: access))
  }

  private func slot(_ identifier: String, in slots: InstalledSlots) throws -> Slot {
    let record = slots.record(identifier)
    let files = slots.files(of: identifier)
    return Slot(
      identifier: identifier, image: record?.image, title: record?.title,
      architectures: record?.variants.map(\.architecture) ?? [], timestamp: record?.timestamp,
      isSigned: files.contains("\(RecoverySet.folder(identifier))/\(MediumRecord.signaturePath)"),
      size: Set(files).reduce(.zero) { $0 + ByteCount(slots.volume.nodes[$1]?.size ?? 0) },
      damage: try slots.damage(of: identifier))
  }

  /// What a removal has done.
  package struct Removal: Sendable {
    package var partition: InstalledPartition
    package var entries: [BootEntry]
    package var isKept: Bool
    package var isKnownToKernel: Bool
  }

  /// Refuses what cannot be removed, and says what would be.
  package func planRemoval(keepsPartition: Bool, isBitLockerSuspended: Bool) async throws -> Status {
    let status = try await statusForRemoval()
    try DiskExamination(disk).requireNoActiveBitLocker(disk.path, saidSuspended: isBitLockerSuspended)
    let partition = status.partition
    if !keepsPartition, partition.table == .mbr, partition.number > 4,
      status.layout.partitions.contains(where: { $0.number > partition.number })
    {
      throw RecoveryPartitionFailure.renumbers(disk.path, number: partition.number)
    }
    return status
  }

  /// A partition that is damaged can be removed too.
  private func statusForRemoval() async throws -> Status {
    do { return try await status() } catch let failure as DiskFailure
      where failure.code == "volume-damaged"
    {
      let found = try DiskExamination(disk)
      guard let place = found.recovery else { throw failure }
      try requireOwn(place)
      let partition = try installed(place.number, in: found.layout, serial: "", "", false)
      return Status(
        layout: found.layout, encrypted: found.encrypted, partition: partition, state: SlotState(current: ""),
        slots: [], free: .zero, key: nil, entries: try await registration.status(of: partition, on: access))
    }
  }

  /// A file system has the name, and cannot be read as a recovery partition's: something else on it, or in the table, has
  /// to be Lifeboat's.
  private func requireOwn(_ place: DiskLayout.Partition) throws {
    let volume = try? FATVolume(DiskPart(disk: access, start: place.start.bytes), isLenient: true)
    guard place.name == PartitionTable.Entry.name || volume?.nodes["lifeboat"]?.isFolder == true else {
      throw RecoveryPartitionFailure.foreign(disk.path, number: place.number)
    }
  }

  /// Takes the boot entries away, then the table's entry, and lastly what marks the file system.
  /// - Throws: `DiskFailure.changed`, `.inUse`; `OperationFailure`; what the registration throws.
  package func remove(_ status: Status, keepsPartition: Bool) async throws -> Removal {
    try requireSame(status)
    let entries = try await unregister(status.partition)
    var isKnown = true
    if !keepsPartition {
      let table = try PartitionTable(of: disk)
      _ = try table.remove(status.partition.number)
      isKnown = try table.write(before: try PartitionTable(of: disk), by: access)
    }
    let held = keepsPartition ? try disk.hold(status.partition.number, at: status.partition.start) : nil
    defer { try? held?.close() }
    // The boot sector and its spare lie in the first sectors.
    try access.write([UInt8](repeating: 0, count: 1 << 16), at: status.partition.start.bytes)
    try access.flush()
    return Removal(
      partition: status.partition, entries: entries, isKept: keepsPartition, isKnownToKernel: isKnown)
  }

  /// Somebody may have thought about it for hours, and others may not know of the lock: another partition may have the
  /// number now, or the place.
  private func requireSame(_ status: Status) throws {
    let (found, partition) = (try DiskExamination(disk), status.partition)
    guard found.layout.hasSameTable(as: status.layout), let now = found.recovery, now.number == partition.number,
      now.start == partition.start
    else { throw DiskFailure.changed(disk.path) }
  }

  /// Not longer than this is the partition's device held: the kernel keeps a partition that is.
  private func unregister(_ partition: InstalledPartition) async throws -> [BootEntry] {
    let held = try disk.hold(partition.number, at: partition.start)
    defer { try? held?.close() }
    return try await registration.unregister(partition, on: access)
  }
}
