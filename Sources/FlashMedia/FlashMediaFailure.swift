// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

/// Why a drive was not written, or not all of it; what state it is in is said by `StickState`.
public enum FlashMediaFailure: Diagnosable, Equatable {
  /// The target may not be written; nothing has been.
  case refused(FilePath, Refusal)
  /// This user may not open the drive, nor does UDisks2 do it for them; nothing has been written.
  case noAccess(FilePath, AccessProblem)
  /// The medium or its slot is write-protected.
  case writeProtected(FilePath)
  /// The drive was pulled out, or another medium is in its place.
  case gone(FilePath)
  /// A write failed while the drive was still there.
  case write(FilePath, offset: ByteCount, Errno)
  /// The drive could not be read back while it was still there.
  case read(FilePath, offset: ByteCount, Errno)
  /// The drive has not answered for that many seconds.
  case stalled(FilePath, seconds: Int)
  /// These ranges do not hold what was written to them, not even at the second try.
  case verify(FilePath, [FlashRange])
  /// The drive has less room than it says; `real` is the most that it can have.
  case falseCapacity(FilePath, announced: ByteCount, real: ByteCount)
  /// The image is not what it should be.
  case source(FilePath, SourceProblem)
  /// No file system takes this for its label; what it does take.
  case badLabel(String, String)
  /// A partition for data cannot be had; nothing has been written.
  case data(DataProblem)

  /// Why a target is refused.
  public enum Refusal: Sendable, Hashable {
    /// Opening it failed.
    case cannotOpen(Errno)
    /// Something else holds it: it is mounted, or another program writes to it.
    case busy
    /// Neither a block device nor a regular file.
    case notADevice
    /// It cannot be read and written past the page cache.
    case noDirectAccess
    /// It is not the drive that was asked for.
    case otherDevice(field: String, expected: String, found: String)
    /// The image does not fit.
    case tooSmall(size: ByteCount, needed: ByteCount)
    /// It has more blocks than a partition table of the PC's old kind can name.
    case tooLarge(size: ByteCount)
    /// Its logical blocks are not of 512 bytes, which mkfs.exfat takes a file's to be.
    case blockSize(Int)
  }

  /// What may be wrong with an image.
  public enum SourceProblem: Error, Sendable, Hashable {
    /// It cannot be opened or read.
    case unreadable(Errno)
    /// A folder, device or pipe; or empty.
    case notAFile
    /// It ends before its time.
    case truncated(at: ByteCount, expected: ByteCount)
    /// It has more bytes than its block map says.
    case tooLong(expected: ByteCount)
    /// Somebody wrote to it meanwhile.
    case changed
    /// The decoder failed; its last line.
    case decoder(String)
    /// Its SHA-256 is another than its checksum file says.
    case digest(file: FilePath)
    /// A range's SHA-256 is another than the block map says.
    case range(FlashRange, file: FilePath)
    /// The file beside it that should tell what it is cannot be used.
    case companion(FilePath, String)
  }
}

extension FlashMediaFailure {
  /// Stable identifier.
  public var code: String {
    switch self {
    case .refused(_, .tooSmall): "too-small"
    case .refused(_, .busy): "target-busy"
    case .refused(_, .otherDevice): "other-device"
    case .refused(_, .cannotOpen(.permissionDenied)), .refused(_, .cannotOpen(.notPermitted)): "permission-denied"
    case .refused: "target-refused"
    case .noAccess(_, let problem): problem.code
    case .writeProtected: "write-protected"
    case .gone: "device-gone"
    case .write: "write-failed"
    case .read: "read-back-failed"
    case .stalled: "target-stalled"
    case .verify: "verify-failed"
    case .falseCapacity: "false-capacity"
    case .source(_, .digest), .source(_, .range): "digest-mismatch"
    case .source(_, .changed): "source-changed"
    case .source(_, .companion): "bad-companion"
    case .source(_, .unreadable(.noSuchFileOrDirectory)): "no-such-file"
    case .source: "bad-source"
    case .badLabel: "bad-label"
    case .data(let problem): problem.code
    }
  }

  /// What happened, and where.
  public var message: String {
    switch self {
    case .refused(let device, let refusal): "\(device) \(refusal.text)"
    case .noAccess(let device, let problem): "\(device) may not be opened by this user, and \(problem.text)"
    case .writeProtected(let device): "\(device) is write-protected"
    case .gone(let device): "\(device) was pulled out or replaced by another medium"
    case .write(let device, let offset, let errno): "writing to \(device) failed at byte \(offset.exact): \(errno)"
    case .read(let device, let offset, let errno): "reading \(device) failed at byte \(offset.exact): \(errno)"
    case .stalled(let device, let seconds): "\(device) has not answered for \(seconds) seconds"
    case .verify(let device, let ranges):
      "\(device) does not hold what was written to it, in bytes "
        + ranges.prefix(8).map(\.description).joined(separator: ", ")
        + (ranges.count > 8 ? " and \(ranges.count - 8) more ranges" : "")
    case .falseCapacity(let device, let announced, let real):
      "\(device) claims \(announced), but has no more than \(real) (\(real.exact) bytes)"
    case .source(let image, let problem): "\(image) \(problem.text)"
    case .badLabel(let label, _): "\"\(label)\" cannot be the label of this file system"
    case .data(let problem): problem.message
    }
  }

  /// What helps.
  public var remedy: String? {
    switch self {
    case .refused(let device, .busy): "Unmount it and close what uses it: umount \(device)*"
    case .refused(_, .cannotOpen(.permissionDenied)), .refused(_, .cannotOpen(.notPermitted)):
      "Run it as root, or give yourself the right to write to this device."
    case .refused(_, .cannotOpen): "Check that it is plugged in and that the name is right."
    case .refused(_, .notADevice): "Name a drive, such as /dev/sdb."
    case .refused(_, .noDirectAccess): "Put the file on another file system, such as ext4."
    case .refused(_, .otherDevice): "List the drives again, and name the one that you mean."
    case .refused(_, .tooSmall): "Take a larger drive."
    case .refused(_, .tooLarge): "Give it a GPT and a file system with gdisk or parted, and mkfs."
    case .refused(_, .blockSize): "Use FAT32, which supports such blocks."
    case .noAccess(_, let problem): problem.remedy
    case .writeProtected: "Move the lock of the card or stick, or take another one."
    case .gone: "Plug it in again, wait until it is listed, and start over."
    case .write, .read: "Try another port; if it fails again, throw the drive away."
    case .stalled: "Pull it out, plug it in again, and try another port."
    case .verify: "Write it again; if that happens again, throw the drive away: it loses data."
    case .falseCapacity: "Give it back to the seller: it was made to look larger than it is."
    case .source(_, .digest), .source(_, .range), .source(_, .truncated), .source(_, .decoder):
      "Download or copy the image again: this copy is damaged."
    case .source(_, .changed): "Wait until nothing writes to it, then start again."
    case .source(_, .companion), .source(_, .tooLong):
      "Get that file again together with the image, or tell Lifeboat not to use it."
    case .source: "Check that it is an image file and that you may read it."
    case .badLabel(_, let what): "Choose another one: \(what)."
    case .data(let problem): problem.remedy
    }
  }

  /// The exit status of a process that this ends.
  public var kind: FailureKind {
    switch self {
    case .refused: .refusedTarget
    case .noAccess(_, let problem): problem.kind
    case .writeProtected: .writeProtected
    case .gone: .deviceGone
    case .write, .stalled: .writeFailed
    case .read, .verify: .verifyFailed
    case .falseCapacity: .falseCapacity
    case .source(_, .digest), .source(_, .range): .notAsPromised
    case .source(_, .unreadable), .source(_, .notAFile): .noInput
    case .source: .badInput
    case .badLabel: .badRequest
    case .data(let problem): problem.kind
    }
  }
}

extension FlashMediaFailure.Refusal {
  var text: String {
    switch self {
    case .cannotOpen(let errno): "cannot be opened: \(errno)"
    case .busy: "is in use: it is mounted, or another program holds it"
    case .notADevice: "is not a drive"
    case .noDirectAccess: "cannot be written past the page cache (O_DIRECT)"
    case .otherDevice(let field, let expected, let found):
      "is not the drive that you asked for: its \(field) is \(found) instead of \(expected)"
    case .tooSmall(let size, let needed):
      "has only \(size) (\(size.exact) bytes); \(needed) (\(needed.exact) bytes) are needed"
    case .tooLarge(let size): "has \(size), more than an MBR partition table can describe"
    case .blockSize(let bytes): "has blocks of \(bytes) bytes, and mkfs.exfat makes file systems of 512-byte blocks"
    }
  }
}

extension FlashMediaFailure.SourceProblem {
  var text: String {
    switch self {
    case .unreadable(let errno): "cannot be read: \(errno)"
    case .notAFile: "is empty, or not a regular file"
    case .truncated(let offset, let expected):
      "ends at byte \(offset.exact), but should have \(expected.exact) bytes"
    case .tooLong(let expected): "has more than the \(expected.exact) bytes that its block map names"
    case .changed: "changed while it was being read"
    case .decoder(let line): "cannot be decompressed: \(line)"
    case .digest(let file): "does not have the SHA-256 that \(file) says"
    case .range(let range, let file): "does not have the SHA-256 that \(file) says, in bytes \(range)"
    case .companion(let file, let reason): "cannot be checked: \(file) \(reason)"
    }
  }
}
