// SPDX-License-Identifier: GPL-3.0-or-later
public import BootAssembly
public import HostSystem
public import SystemPackage

/// Writing a boot tree as an ISO 9660 image that is at once a disc, a disk and a USB stick.
///
///     BootTree ─ CheckedTree ─ IsofsImage ─ (libisofs, its own thread) ─ ring buffer ─ ImageFile ─ AtomicFile
///                names, folders  nodes         layout and content                        O_DIRECT    rename
///
/// The image has Rock Ridge names (any UTF-8 name, modes, symbolic links), Joliet names for Windows, files over
/// 4 GiB as several extents (ISO level 3); where the tree asks for it El Torito for BIOS with boot information table,
/// the EFI system partition as an appended partition with a GPT, and GRUB's hybrid MBR. Nothing of the host gets
/// into it but content, names and permissions: the same tree gives the same bytes.
public enum ISOImage {
  /// How an image is written.
  public struct WriteOptions: Sendable, Equatable {
    /// What the volume descriptor names as the application that the content is for: at most 128 characters.
    public var application: String
    /// Permissions of the finished file (less the process's umask).
    public var permissions: FilePermissions
    /// Past the page cache where the file system can do that; otherwise, or with false, through it.
    public var unbuffered: Bool

    /// The defaults suit everyone.
    public init(
      application: String = "LIFEBOAT", permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead],
      unbuffered: Bool = true
    ) {
      self.application = application
      self.permissions = permissions
      self.unbuffered = unbuffered
    }
  }

  /// An image that stands complete on the disk.
  public struct Written: Sendable, Equatable {
    /// Where.
    public var path: FilePath
    /// Its size, a multiple of 2,048 bytes.
    public var size: ByteCount
    /// Where file content begins: before it lie the partition tables, descriptors and directories.
    public var contentStart: ByteCount
    /// How many regular files it carries.
    public var files: Int
    /// What readers of the image may see differently than the tree says; the image is right nevertheless.
    public var notes: [Note]
  }

  /// Called with the complete image before it is made durable: it may read all of it and rewrite parts of it, such as
  /// `reservedField`.
  public typealias Finish = @Sendable (FileDescriptor, ByteCount) throws -> Void

  /// Writes a tree to a file, which appears under its name only when it is complete and on the disk.
  ///
  /// One image is written at a time in a process (libisofs has one state); a second call waits. The work is done on a
  /// thread of its own; a cancelled task ends it within a fraction of a second and leaves nothing behind.
  /// - Parameters:
  ///   - tree: what to write.
  ///   - path: where; an existing regular file is replaced, anything else is refused.
  ///   - options: see `WriteOptions`.
  ///   - finish: has the last word on the content; a Lifeboat medium is sealed by it.
  ///   - progress: called from the writing thread; steps are named `write NAME`.
  /// - Throws: `Failure` naming the file at fault, `OperationFailure`, `CancellationError`, or what `finish` throws.
  public static func write(
    _ tree: BootTree, to path: FilePath, options: WriteOptions = WriteOptions(), finish: Finish? = nil,
    progress: ProgressEvent.Handler? = nil
  ) async throws -> Written {
    try await BlockingThread.isofs.run { isCancelled in
      let session = try WriteSession(
        tree: tree, path: path, options: options, progress: progress ?? { _ in }, isCancelled: isCancelled)
      return try session.run(finish: finish)
    }
  }

  /// 512 bytes of zeros for whoever seals the image: the Application Use field of the primary volume descriptor
  /// (ECMA-119, 8.4.32).
  package static let reservedField: Range<Int64> = {
    let start: Int64 = 16 * 2048 + 883
    return start..<start + 512
  }()
}
