// SPDX-License-Identifier: GPL-3.0-or-later
package import Disks
package import BootEntries
internal import BootAssembly
package import HostSystem
internal import SystemPackage

/// Puts a recovery system on a disk and looks after it.
///
/// ```
///  medium ─▶ RecoverySet ─▶ StagedVolume (a file) ─▶ VolumeWriter ─▶ free space ─▶ PartitionTable ─▶ BootRegistration
///                            mkfs.vfat, mtools        in an order      read back      libfdisk        last
///                                                     for power cuts
/// ```
///
/// The disk is held from the first look to the last write, so that nothing changes in between.
package struct RecoveryInstaller: Sendable {
  let disk: Disk
  /// Where bytes of the volume and of the table go; a test's own stops in the middle.
  var access: any DiskAccess
  let registration: any BootRegistration
  let progress: ProgressEvent.Handler

  /// Prepares work on a disk that was opened.
  package init(_ disk: Disk, registration: any BootRegistration, progress: @escaping ProgressEvent.Handler) {
    (self.disk, access, self.registration, self.progress) = (disk, disk, registration, progress)
  }

  /// What is asked of an installation.
  package struct Request: Sendable {
    /// The partition's size; nil leaves it to Lifeboat.
    package var size: ByteCount?
    /// Whether Windows and desktops are to leave the partition alone.
    package var isHidden: Bool
    /// What is asked of the boot entry.
    package var wish: BootWish
    /// Whether somebody says that BitLocker is suspended.
    package var isBitLockerSuspended: Bool
    /// The public key that later media must be signed by.
    package var key: [UInt8]?

    /// Wraps the values.
    package init(
      size: ByteCount? = nil, isHidden: Bool = false, wish: BootWish = BootWish(), isBitLockerSuspended: Bool = false,
      key: [UInt8]? = nil
    ) {
      (self.size, self.isHidden, self.wish) = (size, isHidden, wish)
      (self.isBitLockerSuspended, self.key) = (isBitLockerSuspended, key)
    }
  }

  /// What an installation is going to change.
  package struct Plan: Sendable {
    /// The disk now, and afterwards.
    package var before: DiskLayout
    package var after: DiskLayout
    /// The new partition; its unique identifier is made when it is written.
    package var partition: InstalledPartition
    /// What one version takes.
    package var content: ByteCount
    /// What is encrypted on the disk.
    package var encrypted: [EncryptedVolume]
    /// What the boot entry changes, a line for each.
    package var boot: [String]
    /// The request with what the disk makes of it.
    package var request: Request
    let entry: PartitionTable.Entry
    let serial: UInt32
  }

  /// Works out where the partition goes; changes nothing.
  /// - Throws: `RecoveryPartitionFailure`; what the boot registration throws.
  package func plan(_ set: RecoverySet, _ request: Request) async throws -> Plan {
    let found = try DiskExamination(disk)
    if let recovery = found.recovery { throw RecoveryPartitionFailure.exists(disk.path, number: recovery.number) }
    try found.requireNoActiveBitLocker(disk.path, saidSuspended: request.isBitLockerSuspended)
    try await set.requirePartitionStart()
    let content = try content(of: set)
    let size = try partitionSize(request.size, content: content)
    guard let gap = found.layout.usableGaps.filter({ $0.size >= size }).min(by: { $0.size < $1.size }) else {
      throw await noRoom(for: size, orAtLeast: request.size == nil ? least(for: content) : nil, in: found.layout)
    }
    let entry = PartitionTable.Entry(start: gap.start.bytes, size: size.bytes, isHidden: request.isHidden)
    try disk.requireFree(entry.range)
    let added = try PartitionTable(of: disk).add(entry)
    var request = request
    if found.hasBitLocker || request.wish.hasBitLocker {
      request.wish = BootWish(place: nil, hotkeyDelay: nil, hasBitLocker: true)
    }
    let serial = UInt32.random(in: 1 ... .max)
    let partition = try installed(added.number, in: added.layout, serial: serial, set.title, request.isHidden)
    var after = added.layout
    for index in after.partitions.indices {
      let old = found.layout.partitions.first { $0.start == after.partitions[index].start }
      after.partitions[index].content = old == nil ? set.title : old?.content
    }
    return Plan(
      before: found.layout, after: after, partition: partition, content: content, encrypted: found.encrypted,
      boot: try await registration.plan(partition, on: access, request.wish), request: request, entry: entry,
      serial: serial)
  }

  /// What one version takes, with loaders, menus and tables.
  private func content(of set: RecoverySet) throws -> ByteCount {
    let place = PartitionMenu.Place(serial: "0000-0000", stateOffset: Int64.max)
    return set.room(try set.files(startedFrom: place) + set.look) + set.systemPartitionSize + ByteCount.mebibytes(1)
  }

  private static let mebibyte: Int64 = 1 << 20

  private func rounded(_ size: ByteCount) -> ByteCount {
    ByteCount((size.bytes + Self.mebibyte - 1) / Self.mebibyte * Self.mebibyte)
  }

  /// The smallest partition that holds a version.
  private func least(for content: ByteCount) -> ByteCount {
    max(StagedVolume.least, rounded(content + StagedVolume.overhead(of: content)))
  }

  private func partitionSize(_ asked: ByteCount?, content: ByteCount) throws -> ByteCount {
    let least = least(for: content)
    guard let asked else { return max(.mebibytes(1024), rounded(least + content)) }
    guard asked >= least else { throw RecoveryPartitionFailure.tooSmall(asked: asked, needed: least) }
    guard asked <= StagedVolume.most else {
      throw RecoveryPartitionFailure.tooLarge(asked: asked, most: StagedVolume.most)
    }
    return ByteCount(asked.bytes / Self.mebibyte * Self.mebibyte)
  }

  /// The partition as a boot entry names it.
  func installed(_ number: Int, in layout: DiskLayout, serial: UInt32, _ title: String, _ isHidden: Bool) throws
    -> InstalledPartition
  {
    let digits = String(serial, radix: 16, uppercase: true)
    let padded = String(repeating: "0", count: 8 - digits.count) + digits
    return try installed(number, in: layout, serial: "\(padded.prefix(4))-\(padded.suffix(4))", title, isHidden)
  }

  func installed(_ number: Int, in layout: DiskLayout, serial: String, _ title: String, _ isHidden: Bool) throws
    -> InstalledPartition
  {
    guard let partition = layout.partitions.first(where: { $0.number == number }) else {
      throw DiskFailure.noEntry(disk.path, [])
    }
    return InstalledPartition(
      disk: disk.path, isFile: disk.isFile, table: layout.table, number: number, start: partition.start,
      size: partition.size, sectorSize: layout.sectorSize, partitionUUID: partition.uuid, fileSystemSerial: serial,
      title: title, isHidden: isHidden)
  }

  private func noRoom(for size: ByteCount, orAtLeast least: ByteCount?, in layout: DiskLayout) async
    -> any Diagnosable
  {
    if layout.usableGaps.isEmpty, !layout.gaps.isEmpty {
      return DiskFailure.noEntry(
        disk.path, ["all entries are taken, and what is free lies outside of the extended partition"])
    }
    let advice = ShrinkAdvice(
      size: size, least: least, layout: layout, disk: disk.path, isFile: disk.isFile,
      smallest: await SmallestSize.all(of: disk, layout))
    return RecoveryPartitionFailure.noRoom(
      disk.path, needed: size, largest: layout.usableGaps.map(\.size).max() ?? .zero, advice: advice.lines)
  }
}
