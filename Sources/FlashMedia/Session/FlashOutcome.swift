// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// What a drive is good for after a session.
public enum StickState: String, Sendable, Codable, CaseIterable {
  /// Nothing has been written.
  case untouched
  /// It holds parts of the image, and no firmware starts from it: the first piece is empty.
  case incompleteNotBootable
  /// It holds the whole image, which has not been read back.
  case writtenNotVerified
  /// It holds the whole image, read back from the drive itself.
  case complete

  /// A sentence for people.
  public var sentence: String {
    switch self {
    case .untouched: "Nothing was written to it."
    case .incompleteNotBootable: "It is incomplete and will not start a computer; what it held before is lost."
    case .writtenNotVerified: "It holds the whole image, but that has not been verified."
    case .complete: "It holds the whole image, verified."
    }
  }
}

/// What became of one target.
public struct FlashOutcome: Sendable, Equatable {
  /// The target.
  public var target: FilePath
  /// What it is good for now.
  public var state: StickState
  /// Why it failed; nil if it did not, or if it was cancelled.
  public var failure: FlashMediaFailure?
  /// Whether it was cancelled.
  public var wasCancelled: Bool
  /// Bytes written, repairs and zeroed ranges that the drive had to be told of included.
  public var written: ByteCount
  /// Bytes of the image that did not have to be written: equal already.
  public var skipped: ByteCount
  /// Bytes that were made zero by a command instead of being sent.
  public var zeroed: ByteCount
  /// How long it took.
  public var seconds: Double
  /// Ranges that did not hold what was written at first, and do since they were written again.
  public var repaired: [FlashRange]
  /// The data partition that the drive has got, or has kept.
  public var data: DataPartition.Placed?

  /// Whether all that was asked for was done.
  public var isSuccess: Bool { failure == nil && !wasCancelled }
}

/// What happens to a target meanwhile; several a second.
public struct FlashProgress: Sendable, Equatable {
  /// The target.
  public var target: FilePath
  /// What is being done.
  public var phase: Phase
  /// Bytes of the image done in this phase.
  public var done: ByteCount
  /// Of how many, where that is known.
  public var total: ByteCount?
  /// Bytes a second over the last seconds.
  public var rate: ByteCount
  /// Whether it has fallen so far behind the others that it reads the image by itself.
  public var isOnItsOwn: Bool

  /// Receives progress; called from one thread, for all targets in turn.
  public typealias Handler = @Sendable (FlashProgress) -> Void

  /// The phases, in their order.
  public enum Phase: String, Sendable, Codable, CaseIterable {
    /// The old signatures are removed and the capacity is probed.
    case preparing
    /// The image is written.
    case writing
    /// The target is compared with the image (update, verify only).
    case comparing
    /// What was written is read back.
    case verifying
    /// Bad ranges are written again.
    case repairing
    /// The first piece is written and proven.
    case finishing
    /// It has an outcome.
    case ended
  }
}
