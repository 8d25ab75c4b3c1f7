// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
package import SystemPackage

/// Why a recovery partition was not made, changed or read.
package enum RecoveryPartitionFailure: Diagnosable, Equatable {
  /// Neither a disk nor a file.
  case noDisk(FilePath)
  /// The kernel refuses writes.
  case writeProtected(FilePath)
  /// Another Lifeboat, or another careful program, holds the disk.
  case busy(FilePath)
  /// No GPT and no MBR.
  case noTable(FilePath)
  /// What libfdisk finds wrong with the table.
  case tableDamaged(FilePath, [String])
  /// A GPT with a second description of the disk in its MBR.
  case hybrid(FilePath)
  /// The whole disk is part of something larger, or encrypted.
  case wholeDisk(FilePath, type: String)
  /// No entry is free, or none for this place.
  case noEntry(FilePath, [String])
  /// No gap is large enough.
  case noRoom(FilePath, needed: ByteCount, largest: ByteCount, advice: [String])
  /// The size that was asked for does not hold the set.
  case tooSmall(asked: ByteCount, needed: ByteCount)
  /// More than the format is good for.
  case tooLarge(asked: ByteCount, most: ByteCount)
  /// Somebody has changed the partitions meanwhile.
  case changed(FilePath)
  /// The partition that is there does not hold another set.
  case full(FilePath, needed: ByteCount, free: ByteCount)
  /// Temporary files do not fit.
  case noTemporarySpace(FilePath, needed: ByteCount, free: ByteCount)
  /// The medium's initial RAM file system knows of no recovery partitions.
  case cannotStart(image: String)
  /// There is one already.
  case exists(FilePath, number: Int)
  /// There is none.
  case absent(FilePath)
  /// A file system has the name of a recovery partition's, and is none.
  case foreign(FilePath, number: Int)
  /// A partition of the disk is mounted.
  case mounted(FilePath, number: Int, at: String)
  /// The partition's file system is not as Lifeboat left it.
  case volumeDamaged(reason: String)
  /// The partition trusts a key, and the medium is not signed by it.
  case otherKey(reason: String)
  /// The set is older than the one that starts.
  case older(image: String)
  /// The set is of another image.
  case otherImage(installed: String, new: String)
  /// There is nothing to go back to.
  case noPrevious(FilePath)
  /// A slot's files are not what they should be.
  case slotDamaged(FilePath, files: [String])
  /// Writing failed.
  case write(FilePath, offset: ByteCount, Errno)
  /// What was written is not what is read.
  case verify(FilePath, offset: ByteCount)
  /// A logical partition behind it would get another number.
  case renumbers(FilePath, number: Int)
  /// What lies on a partition, or on the whole disk, could not be read: it may be anything.
  case unreadable(FilePath, number: Int?, reason: String?)
  /// Signatures on the whole disk exclude each other.
  case contradictory(FilePath, [String])
  /// The kernel has a partition where the table on the disk has none.
  case kernelDiffers(FilePath, device: FilePath)
  /// Another program holds the partition's device.
  case inUse(FilePath, number: Int)
  /// A volume is encrypted by BitLocker.
  case bitLocker(FilePath, [Int], BitLockerRefusal)

  /// Why a disk with BitLocker is left alone.
  package enum BitLockerRefusal: Sendable, Equatable {
    /// `--bitlocker suspended` was not given.
    case notSaid
    /// It was said, and the metadata has no clear key.
    case notSuspended
    /// The metadata cannot be read.
    case unreadable
  }
}

extension RecoveryPartitionFailure {
  /// Stable identifier.
  package var code: String {
    switch self {
    case .noDisk: "not-a-disk"
    case .writeProtected: "write-protected"
    case .busy: "locked"
    case .noTable: "no-partition-table"
    case .tableDamaged: "partition-table-damaged"
    case .hybrid: "hybrid-mbr"
    case .wholeDisk: "member"
    case .noEntry: "no-partition-entry"
    case .noRoom: "no-free-space"
    case .tooSmall: "too-small"
    case .tooLarge: "too-large"
    case .changed: "partitions-changed"
    case .full: "partition-full"
    case .noTemporarySpace: "no-temporary-space"
    case .cannotStart: "medium-too-old"
    case .exists: "already-installed"
    case .absent: "not-installed"
    case .foreign: "not-lifeboats"
    case .mounted: "mounted"
    case .volumeDamaged: "volume-damaged"
    case .otherKey: "not-trusted"
    case .older: "downgrade"
    case .otherImage: "other-image"
    case .noPrevious: "no-previous-slot"
    case .slotDamaged: "slot-damaged"
    case .write: "write-failed"
    case .verify: "verify-failed"
    case .renumbers: "would-renumber"
    case .unreadable: "unreadable-content"
    case .contradictory: "contradictory-content"
    case .kernelDiffers: "kernel-table-differs"
    case .inUse: "in-use"
    case .bitLocker: "bitlocker"
    }
  }

  /// The exit status of a process that this ends.
  package var kind: FailureKind {
    switch self {
    case .noDisk, .noTable, .tableDamaged, .hybrid, .wholeDisk, .noEntry, .noRoom, .full, .exists, .absent, .foreign,
      .mounted, .noPrevious, .renumbers, .bitLocker, .contradictory, .kernelDiffers, .inUse:
      .refusedTarget
    case .tooSmall, .tooLarge, .otherImage, .older: .badRequest
    case .noTemporarySpace: .cannotCreate
    case .cannotStart: .badInput
    case .writeProtected: .writeProtected
    case .busy, .changed: .busy
    case .volumeDamaged, .otherKey, .slotDamaged: .notAsPromised
    case .write: .writeFailed
    case .verify: .verifyFailed
    case .unreadable: .inputOutput
    }
  }
}
