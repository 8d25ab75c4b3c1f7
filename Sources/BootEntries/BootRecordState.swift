// SPDX-License-Identifier: GPL-3.0-or-later
internal import Disks
internal import HostSystem

/// What a disk's first sector, and what the recovery partition has saved of it, say of each other.
///
/// Ours is whatever leads to the partition, besides what was noted before it was written. So a sector that a cut of the
/// power left, the older code or the newer one, is never taken for the computer's own.
struct BootRecordState {
  /// The disk's first sector.
  let sector: [UInt8]
  /// Whether its code is ours.
  let isOwn: Bool
  /// The sector that has to come back: nil where none was saved, or none that starts anything but us.
  let saved: [UInt8]?
  /// Boot codes that were noted as ours.
  let noted: [[UInt8]]
  /// Whether the partition's file system can be read.
  let isReadable: Bool

  /// Reads sector and files.
  /// - Throws: `OperationFailure` where the disk cannot be read.
  init(_ partition: InstalledPartition, on disk: any DiskAccess) throws {
    let volume = try? BootRecordVolume(partition, on: disk).volume()
    func content(_ name: String) -> [UInt8] { (try? volume?.content(of: name)) ?? [] }
    let codes = content(BootRecordFiles.own)
    let noted = stride(
      from: 0, to: codes.count / BootRecord.codeLength * BootRecord.codeLength, by: BootRecord.codeLength
    )
    .map { Array(codes[$0..<$0 + BootRecord.codeLength]) }
    func isOwn(_ sector: [UInt8]) -> Bool {
      noted.contains(BootRecord.code(of: sector)) || Self.leads(sector, to: partition)
    }
    let sector = try disk.bytes(0..<Int64(BootRecord.sectorLength))
    let saved = content(BootRecordFiles.saved)
    self.sector = sector
    self.noted = noted
    self.isOwn = isOwn(sector)
    self.saved = BootRecord.isRecord(saved) && !isOwn(saved) ? saved : nil
    isReadable = volume != nil
  }

  /// Whether boot code, whatever of the partition's files can be read, starts the computer from the partition.
  private static func leads(_ sector: [UInt8], to partition: InstalledPartition) -> Bool {
    let length = Int64(BootRecord.sectorLength)
    let first = partition.start.bytes / length
    guard let core = BootRecord.coreSector(ofCode: sector) else { return false }
    return (first..<first + partition.size.bytes / length).contains(core)
  }

  /// The sector that has to come back once code of ours is in its place.
  var original: [UInt8]? { isOwn ? saved : sector }

  /// Whether the sector that was saved is in its place again.
  var isGivenBack: Bool { !isOwn && saved.map { BootRecord.code(of: $0) } == BootRecord.code(of: sector) }
}
