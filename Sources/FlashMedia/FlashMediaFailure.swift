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
  /// The drive was compared with an image, and these ranges differ.
  case differs(FilePath, [FlashRange])
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
    /// The image does not fit; nil for one that does not tell its size.
    case tooSmall(size: ByteCount, needed: ByteCount?)
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
    /// It ends before the place that its own tables name.
    case cut(at: ByteCount, ByteCount, by: String)
    /// It has more bytes than its block map or its archive says.
    case tooLong(expected: ByteCount)
    /// It is a virtual disk, or of another form that no drive starts from.
    case form(ForeignForm)
    /// What is packed in it is packed again.
    case packedTwice(FlashSource.Format)
    /// It is an archive of more than one file.
    case severalFiles
    /// It is an address, not a file.
    case address
    /// Somebody wrote to it meanwhile.
    case changed
    /// The decoder failed; its last line.
    case decoder(String)
    /// Its SHA-256 is another than its checksum file says.
    case digest(file: FilePath)
    /// A range's SHA-256 is another than the block map says.
    case range(FlashRange, file: FilePath)
    /// Its block map leaves out what is there.
    case unmapped(FlashRange, file: FilePath)
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
    case .verify, .differs: "verify-failed"
    case .falseCapacity: "false-capacity"
    case .source(_, .digest), .source(_, .range), .source(_, .unmapped): "digest-mismatch"
    case .source(_, .cut), .source(_, .truncated): "image-truncated"
    case .source(_, .form), .source(_, .packedTwice), .source(_, .severalFiles): "no-raw-image"
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
      "\(device) does not hold what was written to it, in bytes \(Self.listed(ranges))"
    case .differs(let device, let ranges):
      "\(device) does not hold this image: it differs in bytes \(Self.listed(ranges))"
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
    case .differs: "Make sure that it is the image that was written to it; if it is, write it again."
    case .falseCapacity: "Give it back to the seller: it was made to look larger than it is."
    case .source(_, .digest), .source(_, .range), .source(_, .truncated), .source(_, .decoder):
      "Download or copy the image again: this copy is damaged."
    case .source(let image, .cut(_, let declared, _)):
      "Download or copy the image again: this copy ends too early."
        + " If it is meant to, lengthen it: truncate -s \(declared.bytes) \(image)"
    case .source(let image, .form(let form)): form.remedy(image.string)
    case .source(_, .packedTwice): "Unpack it first, and name the image that was in it."
    case .source(_, .severalFiles): "Unpack it first, and name the image that was in it."
    case .source(let image, .address):
      "Download it first, with its .sha256 if there is one: wget \(FlashSource(image).address ?? image.string)"
    case .source(_, .unmapped(_, let file)):
      "Download \(file) again together with the image, or move it elsewhere: the image is then written as it is."
    case .source(_, .changed): "Wait until nothing writes to it, then start again."
    case .source(_, .companion(let file, _)):
      "Get \(file) again together with the image, or move it elsewhere: then nothing is compared with it."
    case .source(_, .tooLong): "Get the image again, together with what lies beside it."
    case .source: "Check that it is an image file and that you may read it."
    case .badLabel(_, let what): "Choose another one: \(what)."
    case .data(let problem): problem.remedy
    }
  }

  private static func listed(_ ranges: [FlashRange]) -> String {
    ranges.prefix(8).map(\.description).joined(separator: ", ")
      + (ranges.count > 8 ? " and \(ranges.count - 8) more ranges" : "")
  }

  /// The exit status of a process that this ends.
  public var kind: FailureKind {
    switch self {
    case .refused: .refusedTarget
    case .noAccess(_, let problem): problem.kind
    case .writeProtected: .writeProtected
    case .gone: .deviceGone
    case .write, .stalled: .writeFailed
    case .read, .verify, .differs: .verifyFailed
    case .falseCapacity: .falseCapacity
    case .source(_, .digest), .source(_, .range), .source(_, .unmapped): .notAsPromised
    case .source(_, .unreadable), .source(_, .notAFile), .source(_, .address): .noInput
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
    case .tooSmall(let size, let needed?):
      "has \(size.exact) bytes, \((needed - size).exact) fewer than the \(needed.exact) that are needed"
    case .tooSmall(let size, nil): "has \(size.exact) bytes, and the image has more; how many, its file does not tell"
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
    case .cut(let offset, let declared, let by):
      "ends at byte \(offset.exact), but \(by) reaches to byte \(declared.exact)"
    case .tooLong(let expected): "has more than the \(expected.exact) bytes that it should have"
    case .form(let form): "is \(form.words); written as it lies, it would start nothing"
    case .packedTwice(let format): "is packed twice: there is another \(format.rawValue) file in it"
    case .severalFiles: "is an archive of several files, not of one image"
    case .address: "is an address; Lifeboat writes files"
    case .changed: "changed while it was being read"
    case .decoder(let line): "cannot be decompressed: \(line)"
    case .digest(let file): "does not have the SHA-256 that \(file) says"
    case .range(let range, let file): "does not have the SHA-256 that \(file) says, in bytes \(range)"
    case .unmapped(let range, let file):
      "is another image than the one that \(file) describes: the map leaves out data in bytes \(range)"
    case .companion(let file, let reason): "cannot be checked: \(file) \(reason)"
    }
  }
}
