// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// Why a target cannot be found, or may not be used.
public enum DriveDiscoveryFailure: Diagnosable, Equatable {
  /// No drive is called that.
  case noSuchDrive(wanted: String, near: [String])
  /// Several drives are called that.
  case severalDrives(wanted: String, drives: [String])
  /// What was named is a part of a drive.
  case isPartition(wanted: String, drive: String)
  /// What was named is a drive that may not be written.
  case refused(drive: String, refusals: [Refusal])
  /// The device is gone, or was never there.
  case noSuchDevice(DeviceNumber)

  /// Stable identifier.
  public var code: String {
    switch self {
    case .noSuchDrive: "no-such-drive"
    case .severalDrives: "several-drives"
    case .isPartition: "is-partition"
    case .refused(_, let refusals): refusals.first?.code ?? "refused"
    case .noSuchDevice: "no-such-device"
    }
  }

  /// What happened, with the drive.
  public var message: String {
    switch self {
    case .noSuchDrive(let wanted, let near):
      "there is no drive \(wanted)" + (near.isEmpty ? "" : "; did you mean \(near.joined(separator: ", "))")
    case .severalDrives(let wanted, let drives):
      "\(wanted) is the name of several drives: \(drives.joined(separator: ", "))"
    case .isPartition(let wanted, let drive): "\(wanted) is a part of \(drive); a medium takes a whole drive"
    case .refused(_, let refusals): refusals.map(\.reason).joined(separator: "; ")
    case .noSuchDevice(let number): "there is no block device \(number)"
    }
  }

  /// What to do.
  public var remedy: String? {
    switch self {
    case .noSuchDrive: "List the drives and their names, and name one of them."
    case .severalDrives: "Name it by its path or by one of its stable names."
    case .isPartition(_, let drive): "Name the drive: \(drive)."
    case .refused(_, let refusals): refusals.first?.remedy
    case .noSuchDevice: "Plug the drive in again, and choose it again."
    }
  }

  /// How the process ends.
  public var kind: FailureKind {
    switch self {
    case .noSuchDrive, .severalDrives, .isPartition: .badRequest
    case .refused(_, let refusals):
      if case .writeProtected? = refusals.first { .writeProtected } else { .refusedTarget }
    case .noSuchDevice: .deviceGone
    }
  }
}
