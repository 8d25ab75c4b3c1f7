// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import MediumReading
public import SystemPackage

extension DiscBurner {
  /// Why a disc was not burnt, or is not what it should be.
  public enum Failure: Diagnosable, Equatable {
    /// The computer has no drive for discs, or the kernel shows none.
    case noDrive
    /// What was named is not a disc drive.
    case noSuchDrive(address: String, reason: String)
    /// More than one drive could be meant; names them.
    case severalDrives([String])
    /// None of several drives is suitable; says why for each.
    case noSuitableDrive([String])
    /// The drive is used by somebody else.
    case busy(drive: String, mountedAt: String?)
    /// The user may not use the drive.
    case permission(drive: String)
    /// The drive does not answer.
    case silent(drive: String, said: String)
    /// The drive only reads.
    case cannotWrite(drive: String)
    /// The tray is empty.
    case noMedium(drive: String)
    /// The disc is of a kind that this drive cannot write.
    case wrongMedium(drive: String, medium: String)
    /// The disc can be neither read nor written.
    case unusableMedium(drive: String, medium: String)
    /// The disc is pressed.
    case readOnlyMedium(drive: String, medium: String)
    /// There is something on the disc.
    case notBlank(drive: String, medium: String, state: String, canBeBlanked: Bool)
    /// The image does not fit.
    case tooSmall(drive: String, medium: String, needed: ByteCount, capacity: ByteCount)
    /// The disc, its cartridge or the file in its place is protected.
    case writeProtected(drive: String)
    /// The drive cannot burn that kind of disc with the laser off.
    case cannotSimulate(drive: String, medium: String)
    /// The image is shorter than its volume.
    case incompleteImage(FilePath, size: ByteCount, volume: ByteCount)
    /// The image is a folder or a device.
    case noRegularFile(FilePath)
    /// The image was written to meanwhile.
    case imageChanged(FilePath)
    /// Another drive or disc than the plan was made for.
    case otherMedium(drive: String)
    /// Blanking or formatting failed; with what the drive said, and the state of the disc.
    case preparationFailed(drive: String, said: [String], state: String)
    /// The drive refused or broke off; with what it said, and the state of the disc.
    case writeFailed(drive: String, done: ByteCount, size: ByteCount, said: [String], state: String)
    /// The disc holds something else than the image.
    case verifyFailed(drive: String, first: ByteRange, bad: ByteCount, isUnreadable: Bool)
    /// Somebody interrupted; with the state of the disc.
    case interrupted(state: String)
    /// libburn failed in a way that Lifeboat did not foresee.
    case library(String)
  }
}

extension DiscBurner.Failure {
  /// Stable identifier.
  public var code: String {
    switch self {
    case .noDrive: "no-drive"
    case .noSuchDrive: "no-such-drive"
    case .severalDrives: "several-drives"
    case .noSuitableDrive: "no-suitable-drive"
    case .busy: "drive-busy"
    case .permission: "permission-denied"
    case .silent: "drive-silent"
    case .cannotWrite: "drive-cannot-write"
    case .noMedium: "no-medium"
    case .wrongMedium: "wrong-medium"
    case .unusableMedium: "unusable-medium"
    case .readOnlyMedium: "read-only-medium"
    case .notBlank: "not-blank"
    case .tooSmall: "too-small"
    case .writeProtected: "write-protected"
    case .cannotSimulate: "cannot-simulate"
    case .incompleteImage: "truncated-image"
    case .noRegularFile: "bad-source"
    case .imageChanged: "source-changed"
    case .otherMedium: "other-medium"
    case .preparationFailed: "blanking-failed"
    case .writeFailed: "write-failed"
    case .verifyFailed: "verify-failed"
    case .interrupted: "interrupted"
    case .library: "libburn-failed"
    }
  }

  /// The exit status of a process that this ends.
  public var kind: FailureKind {
    switch self {
    case .noDrive: .unavailable
    case .noSuchDrive: .noInput
    case .severalDrives: .badRequest
    case .permission: .cannotCreate
    case .incompleteImage: .badInput
    case .noRegularFile, .imageChanged: .noInput
    case .writeProtected: .writeProtected
    case .otherMedium: .deviceGone
    case .preparationFailed, .writeFailed: .writeFailed
    case .verifyFailed: .verifyFailed
    case .interrupted: .interrupted
    case .library: .defect
    case .noSuitableDrive, .busy, .silent, .cannotWrite, .noMedium, .wrongMedium, .unusableMedium, .readOnlyMedium,
      .notBlank, .tooSmall, .cannotSimulate:
      .refusedTarget
    }
  }

  /// What happened, and where.
  public var message: String {
    switch self {
    case .noDrive: "this computer has no disc drive"
    case .noSuchDrive(let address, let reason): "\(address) \(reason)"
    case .severalDrives(let drives): "several drives match: " + drives.joined(separator: "; ")
    case .noSuitableDrive(let reasons): "no drive is ready: " + reasons.joined(separator: "; ")
    case .busy(let drive, let place?): "\(drive) is in use: its disc is mounted on \(place)"
    case .busy(let drive, nil): "\(drive) is in use by another program"
    case .permission(let drive): "you may not write to \(drive)"
    case .silent(let drive, let said): "\(drive) does not answer" + (said.isEmpty ? "" : ": \(said)")
    case .cannotWrite(let drive): "\(drive) reads discs but cannot write them"
    case .noMedium(let drive): "there is no disc in \(drive)"
    case .wrongMedium(let drive, let medium): "\(drive) cannot write a \(medium)"
    case .unusableMedium(let drive, let medium): "the \(medium) in \(drive) can be neither read nor written"
    case .readOnlyMedium(let drive, let medium): "the \(medium) in \(drive) cannot be written"
    case .notBlank(let drive, let medium, let state, _): "the \(medium) in \(drive) is not blank (\(state))"
    case .tooSmall(let drive, let medium, let needed, let capacity):
      "the \(medium) in \(drive) takes \(capacity), but the image needs \(needed)"
        + " (\(capacity.exact) and \(needed.exact) bytes)"
    case .writeProtected(let drive): "what is in \(drive) is write-protected"
    case .cannotSimulate(let drive, let medium): "\(drive) cannot simulate burning a \(medium)"
    case .incompleteImage(let path, let size, let volume):
      "\(path) is not whole: it has \(size.exact) bytes, but its volume \(volume.exact)"
    case .noRegularFile(let path): "\(path) is not a regular file"
    case .imageChanged(let path): "\(path) changed while it was being burnt"
    case .otherMedium(let drive): "\(drive) holds a different disc than when the plan was shown"
    case .preparationFailed(let drive, let said, _): "\(drive) could not make the disc blank" + Self.list(said)
    case .writeFailed(let drive, let done, let size, let said, _):
      "burning with \(drive) failed after about \(done) of \(size)" + Self.list(said)
    case .verifyFailed(let drive, let first, let bad, let isUnreadable):
      "the disc in \(drive) differs from the image: bytes \(first) "
        + (isUnreadable ? "cannot be read" : "differ") + "; at least \(bad.exact) bytes are bad"
    case .interrupted: "interrupted"
    case .library(let text): "libburn: \(text)"
    }
  }

  /// What helps.
  public var remedy: String? {
    switch self {
    case .noDrive: "Connect a drive; if one is connected, look for it with: dmesg | grep -i sr0"
    case .noSuchDrive: "List the drives, and name one of them."
    case .severalDrives: "Name the drive after the image."
    case .noSuitableDrive: "Put a blank disc into one of them, or name the drive after the image."
    case .busy(_, let place?): "Unmount it with: umount \(place)"
    case .busy(_, nil): "Wait for the other program, or end it."
    case .permission: "Join the group cdrom (adduser USER cdrom, then log in again), or run it as root."
    case .silent: "Open and close the tray, then try again."
    case .cannotWrite: "Use a drive that writes discs, or write a stick."
    case .noMedium: "Put a blank disc in."
    case .wrongMedium, .unusableMedium, .readOnlyMedium: "Put in a blank disc of a kind that the drive writes."
    case .notBlank(_, _, _, true):
      "Let it be blanked if what is on it may be lost (not in a simulation), or use a blank disc."
    case .notBlank(_, _, _, false): "Put in a blank disc: this one cannot be erased."
    case .tooSmall: "Use a disc that holds more, or leave tools out of the image."
    case .writeProtected: "Move the tab on the disc's cartridge, or use another disc."
    case .cannotSimulate: "Burn it without a simulation."
    case .incompleteImage: "Copy or download the image again."
    case .noRegularFile: "Name an ISO file."
    case .imageChanged: "Wait until nothing writes to it, then burn again."
    case .otherMedium: "Start again."
    case .preparationFailed(_, _, let state), .writeFailed(_, _, _, _, let state), .interrupted(let state): state
    case .verifyFailed: "Burn another disc, at a lower speed."
    case .library: "Report this message as a defect."
    }
  }

  private static func list(_ said: [String]) -> String { said.isEmpty ? "" : ": " + said.joined(separator: "; ") }
}
