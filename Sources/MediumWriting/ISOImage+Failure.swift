// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

extension ISOImage {
  /// Why an image was not written. Nothing stands at the destination that did not stand there before.
  public enum Failure: Diagnosable, Equatable {
    /// An entry of the tree that an ISO cannot say; names its path on the medium.
    case entry(path: String, EntryProblem)
    /// A tree as a whole that makes no medium.
    case tree(TreeProblem)
    /// A file of the host that is not what the tree says; names it and its path on the medium.
    case source(FilePath, path: String, SourceProblem)
    /// A place where the image cannot be.
    case target(FilePath, TargetProblem)
    /// libisofs refused for a reason that Lifeboat did not foresee.
    case library(String)

    /// What may be wrong with an entry.
    public enum EntryProblem: Sendable, Hashable {
      /// An empty name, `.`, `..`, or a leading, trailing or doubled slash.
      case notAPath
      /// A name has a NUL character.
      case nulCharacter
      /// More than the 255 bytes of UTF-8 that Rock Ridge has for one name.
      case nameTooLong(bytes: Int)
      /// Two entries have this path.
      case duplicate
      /// Other entries lie below it, yet it is no folder.
      case notAFolder
      /// The path of the El Torito boot catalogue.
      case reserved
      /// A symbolic link's target is empty, over 1,023 bytes (libisofs reads no more), or has a part over 255 bytes.
      case badLinkTarget
      /// More bits than 0o7777.
      case badPermissions
      /// The BIOS boot image must be a regular file of 2,560 bytes (GRUB's patch ends there) to 32 MiB.
      case badBootImage
    }

    /// What may be wrong with a tree.
    public enum TreeProblem: Sendable, Hashable {
      /// 1 to 32 characters of A–Z, 0–9 and `_`.
      case volumeIdentifier(String)
      /// ISO 9660 knows 1970 (as Lifeboat does) to 2155.
      case timestamp(Int64)
      /// The application is over 128 characters of printable ASCII.
      case application(String)
      /// The hybrid MBR is one sector.
      case hybridMBR(size: Int)
      /// No entry has the path of the BIOS boot image.
      case bootImageMissing(String)
    }

    /// What may be wrong with a source.
    public enum SourceProblem: Sendable, Hashable {
      /// It cannot be opened or read.
      case unreadable(Errno)
      /// A folder, device, pipe or socket where a file should be.
      case notAFile
      /// Not of the announced size.
      case size(expected: ByteCount, actual: ByteCount)
      /// Somebody wrote to it meanwhile.
      case changed
      /// A name in a folder that is no UTF-8.
      case notUTF8
      /// An EFI system partition must be whole sectors of 512 bytes, at least one.
      case notAPartition
    }

    /// What may be wrong with the destination.
    public enum TargetProblem: Sendable, Hashable {
      /// Something that is no regular file stands there: a device must not be replaced by a file.
      case notAFile
      /// The file system has, or had, too little space.
      case diskFull(needed: ByteCount, available: ByteCount?)
      /// The file system or a limit of the process allows no file of that size.
      case tooLarge(needed: ByteCount)
    }
  }
}

extension ISOImage.Failure {
  /// Stable identifier.
  public var code: String {
    switch self {
    case .entry(_, .badBootImage), .tree(.bootImageMissing), .tree(.hybridMBR): "bad-boot-image"
    case .entry(_, .duplicate), .entry(_, .notAFolder): "path-conflict"
    case .entry: "not-representable"
    case .tree: "bad-tree"
    case .source(_, _, .changed): "source-changed"
    case .source(_, _, .unreadable(.noSuchFileOrDirectory)): "no-such-file"
    case .source: "bad-source"
    case .target(_, .diskFull): "disk-full"
    case .target: "bad-target"
    case .library: "isofs-failed"
    }
  }

  /// What happened, and where.
  public var message: String {
    switch self {
    case .entry(let path, let problem): "the ISO cannot have \(Self.quoted(path)): \(problem.text)"
    case .tree(let problem): problem.text
    case .source(let file, let path, let problem):
      path.isEmpty ? "\(file) \(problem.text)" : "\(file) (for \(Self.quoted(path))) \(problem.text)"
    case .target(let file, let problem): "\(file) \(problem.text)"
    case .library(let text): "libisofs: \(text)"
    }
  }

  /// What helps.
  public var remedy: String? {
    switch self {
    case .entry(_, .duplicate): "Leave one of the two out."
    case .entry(_, .notAFolder): "Rename it, or what lies below it."
    case .entry(_, .badBootImage): "Name GRUB's eltorito.img, made by grub-mkimage -O i386-pc-eltorito."
    case .entry(_, .badLinkTarget): "Shorten the target, or put a copy in the link's place."
    case .entry(_, .badPermissions): "Keep to the twelve permission bits."
    case .entry: "Rename it."
    case .tree(.hybridMBR): "Give the 512 bytes of GRUB's boot_hybrid.img."
    case .tree(.bootImageMissing): "Add the boot image to the tree, or leave BIOS booting out."
    case .tree: "Correct it and start again."
    case .source(_, _, .changed), .source(_, _, .size): "Wait until nothing writes to it, then start again."
    case .source(_, _, .unreadable): "Check that it exists and that you may read it."
    case .source(_, _, .notAPartition): "Give a FAT file system image."
    case .source: "Leave it out, or put a regular file in its place."
    case .target(_, .notAFile): "Choose the name of a file; an image file is then written to drives."
    case .target(_, .diskFull): "Free some space on that file system, or choose another place; nothing was replaced."
    case .target(_, .tooLarge): "Choose another file system, or raise the limit shown by: ulimit -f"
    case .library: "Report this message together with the manifest."
    }
  }

  /// The exit status of a process that this ends.
  public var kind: FailureKind {
    switch self {
    case .entry, .tree: .badInput
    case .source: .noInput
    case .target: .cannotCreate
    case .library: .defect
    }
  }

  /// A path with what would break a terminal's line made visible.
  static func quoted(_ path: String) -> String { path.isEmpty ? "an empty path" : path.debugDescription }
}

extension ISOImage.Failure.EntryProblem {
  var text: String {
    switch self {
    case .notAPath: "it must be a relative path of names between single slashes"
    case .nulCharacter: "a name has a NUL character"
    case .nameTooLong(let bytes): "a name has \(bytes) bytes; Rock Ridge allows 255"
    case .duplicate: "there are two entries of that path"
    case .notAFolder: "other entries lie below it, so it must be a folder"
    case .reserved: "that is the place of the boot catalogue"
    case .badLinkTarget:
      "a symbolic link's target must have 1 to 1,023 bytes, no name in it more than 255, and no NUL"
    case .badPermissions: "its permissions are out of range"
    case .badBootImage: "a BIOS boot image is a regular file of 2,560 bytes to 32 MiB"
    }
  }
}

extension ISOImage.Failure.TreeProblem {
  var text: String {
    switch self {
    case .volumeIdentifier(let text):
      "\(ISOImage.Failure.quoted(text)) is not a volume identifier: 1 to 32 characters of A–Z, 0–9 and _"
    case .timestamp(let seconds): "\(seconds) is not a time between 1970 and 2155, the range of an ISO"
    case .application(let text): "\(ISOImage.Failure.quoted(text)) is not 1 to 128 printable ASCII characters"
    case .hybridMBR(let size): "the hybrid MBR has \(size) bytes instead of 512"
    case .bootImageMissing(let path): "the tree has no BIOS boot image \(ISOImage.Failure.quoted(path))"
    }
  }
}

extension ISOImage.Failure.SourceProblem {
  var text: String {
    switch self {
    case .unreadable(let errno): "cannot be read: \(errno)"
    case .notAFile: "is not a regular file"
    case .size(let expected, let actual): "has \(actual.exact) bytes instead of \(expected.exact)"
    case .changed: "changed while it was being read"
    case .notUTF8: "has a name that is not UTF-8"
    case .notAPartition: "is not an EFI system partition: its size is not a multiple of 512 bytes"
    }
  }
}

extension ISOImage.Failure.TargetProblem {
  var text: String {
    switch self {
    case .notAFile: "is not a regular file and will not be replaced by one"
    case .diskFull(let needed, let available?):
      "needs \(needed) (\(needed.exact) bytes), but its file system has only \(available) left"
    case .diskFull(let needed, nil): "needs \(needed) (\(needed.exact) bytes); its file system is full"
    case .tooLarge(let needed): "cannot be a file of \(needed) (\(needed.exact) bytes) there"
    }
  }
}
