// SPDX-License-Identifier: GPL-3.0-or-later
package import HostSystem
package import SystemPackage

/// Why a recovery partition was not made, changed or read.
package enum RecoveryPartitionFailure: Diagnosable, Equatable {
  /// The whole disk is part of something larger, or encrypted.
  case wholeDisk(FilePath, type: String)
  /// No gap is large enough.
  case noRoom(FilePath, needed: ByteCount, largest: ByteCount, advice: [String])
  /// The size that was asked for does not hold the set.
  case tooSmall(asked: ByteCount, needed: ByteCount)
  /// More than the format is good for.
  case tooLarge(asked: ByteCount, most: ByteCount)
  /// The partition that is there does not hold another set.
  case full(FilePath, needed: ByteCount, free: ByteCount)
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
  /// A logical partition behind it would get another number.
  case renumbers(FilePath, number: Int)
  /// What lies on a partition, or on the whole disk, could not be read: it may be anything.
  case unreadable(FilePath, number: Int?, reason: String?)
  /// Signatures on the whole disk exclude each other.
  case contradictory(FilePath, [String])
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
    case .wholeDisk: "member"
    case .noRoom: "no-free-space"
    case .tooSmall: "too-small"
    case .tooLarge: "too-large"
    case .full: "partition-full"
    case .cannotStart: "medium-too-old"
    case .exists: "already-installed"
    case .absent: "not-installed"
    case .foreign: "not-lifeboats"
    case .mounted: "mounted"
    case .otherKey: "not-trusted"
    case .older: "downgrade"
    case .otherImage: "other-image"
    case .noPrevious: "no-previous-slot"
    case .slotDamaged: "slot-damaged"
    case .renumbers: "would-renumber"
    case .unreadable: "unreadable-content"
    case .contradictory: "contradictory-content"
    case .bitLocker: "bitlocker"
    }
  }

  /// The exit status of a process that this ends.
  package var kind: FailureKind {
    switch self {
    case .wholeDisk, .noRoom, .full, .exists, .absent, .foreign, .mounted, .noPrevious, .renumbers, .bitLocker,
      .contradictory:
      .refusedTarget
    case .tooSmall, .tooLarge, .otherImage, .older: .badRequest
    case .cannotStart: .badInput
    case .otherKey, .slotDamaged: .notAsPromised
    case .unreadable: .inputOutput
    }
  }
}
