// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
public import SystemPackage

/// A file that appears under its name only when it is complete and on the disk.
///
/// The bytes go to `.NAME.XXXXXX.new` in the same directory; then fsync, rename, fsync of the directory. If anything
/// fails, or the process is killed, whatever stood under the name before still stands there.
public enum AtomicFile {
  /// Writes small content at once.
  /// - Throws: `OperationFailure` naming the path.
  public static func write(
    _ content: [UInt8], to path: FilePath, permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
  ) throws {
    try create(at: path, permissions: permissions) { descriptor, _ in
      try OperationFailure.wrap("write", path) { _ = try descriptor.writeAll(content) }
    }
  }

  /// Calls `body` with an open descriptor (read and write) and the temporary path, then puts the file in place.
  ///
  /// `body` must leave the descriptor open.
  /// - Throws: what `body` throws, or `OperationFailure` naming the path. The temporary file is removed.
  public static func create<Result>(
    at path: FilePath, permissions: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead],
    _ body: (FileDescriptor, FilePath) throws -> Result
  ) throws -> Result {
    let temporary = try temporarySibling(of: path)
    let descriptor = try OperationFailure.wrap("create", path) {
      try FileDescriptor.open(
        temporary, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: permissions)
    }
    // Tells whoever looks for leftovers that this one is still being written.
    flock(descriptor.rawValue, LOCK_EX | LOCK_NB)
    var isOpen = true
    do {
      let result = try body(descriptor, temporary)
      try OperationFailure.wrap("write", path) {
        guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
        // Whatever close(2) says, the number is free afterwards, and may be another thread's at once.
        isOpen = false
        try descriptor.close()
      }
      try OperationFailure.wrap("rename", path) { try move(temporary, to: path) }
      return result
    } catch {
      if isOpen { try? descriptor.close() }
      unlink(temporary.string)
      throw error
    }
  }

  /// Writes small content under a name that nothing has yet; the content appears whole or not at all.
  /// - Throws: `OperationFailure` naming the path; with `fileExists` where something stands there already.
  public static func writeNew(_ content: [UInt8], to path: FilePath) throws {
    let temporary = try temporarySibling(of: path)
    defer { unlink(temporary.string) }
    do { try write(content, to: temporary) } catch let failure as OperationFailure {
      throw OperationFailure(failure.operation, path, failure.errno)
    }
    guard link(temporary.string, path.string) == 0 else {
      throw OperationFailure("create", path, Errno(rawValue: errno))
    }
  }

  /// Copies a file.
  /// - Returns: the digest of what was copied.
  /// - Throws: `OperationFailure` naming the path that it is about.
  public static func copy(_ source: FilePath, to target: FilePath) throws -> Digest {
    let input = try OperationFailure.wrap("open", source) {
      try FileDescriptor.open(source, .readOnly, options: .closeOnExec)
    }
    defer { try? input.close() }
    return try create(at: target) { output, _ in
      var hasher = Digest.Hasher()
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let count = try OperationFailure.wrap("read", source) {
          try buffer.withUnsafeMutableBytes { try input.read(into: $0) }
        }
        guard count > 0 else { return hasher.finish() }
        try OperationFailure.wrap("write", target) {
          _ = try buffer.withUnsafeBytes { try output.writeAll(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        buffer.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      }
    }
  }

  /// Renames on one file system, replacing what stands at the destination, and makes the rename durable.
  /// - Throws: `Errno` where nothing was renamed; `NotDurable` where it was.
  public static func move(_ source: FilePath, to destination: FilePath) throws {
    guard rename(source.string, destination.string) == 0 else { throw Errno(rawValue: errno) }
    try synchroniseFolder(of: destination)
  }

  /// Lets two names of one folder stand for each other's content, at one stroke and durably.
  /// - Throws: `Errno`, `.invalidArgument` where the file system cannot do that; `NotDurable` where it is done.
  public static func exchange(_ first: FilePath, _ second: FilePath) throws {
    let result = linux_exchange(first.string, second.string)
    guard result == 0 else { throw Errno(rawValue: -result) }
    try synchroniseFolder(of: second)
  }

  private static func synchroniseFolder(of path: FilePath) throws {
    let folder = path.removingLastComponent()
    let directory: FileDescriptor
    do {
      directory = try FileDescriptor.open(
        folder.isEmpty ? "." : folder, .readOnly, options: [.directory, .closeOnExec])
    } catch let error as Errno { throw NotDurable(path: path, errno: error) }
    defer { try? directory.close() }
    let result = folderSync(directory.rawValue)
    // Some file systems (shares, FUSE) have nothing to write for a folder.
    guard result != 0, ![EINVAL, EOPNOTSUPP].contains(result) else { return }
    throw NotDurable(path: path, errno: Errno(rawValue: result))
  }

  /// fsync(2) of a folder, which returns an error number; tests put a failure in its place.
  @TaskLocal package static var folderSync: @Sendable (CInt) -> CInt = { fsync($0) == 0 ? 0 : errno }

  /// Removes what processes that were killed while they wrote this file have left beside it.
  public static func removeLeftovers(of path: FilePath) {
    guard let name = path.lastComponent?.string else { return }
    let folder = path.removingLastComponent()
    for other in FileTree.names(in: folder.isEmpty ? "." : folder) where other.hasPrefix(".\(name).") {
      guard other.dropFirst(name.count + 2).wholeMatch(of: /[0-9a-z]+\.new/) != nil,
        let descriptor = try? FileDescriptor.open(
          folder.appending(other), .readOnly, options: [.closeOnExec, .noFollow])
      else { continue }
      if flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 { unlink(folder.appending(other).string) }
      try? descriptor.close()
    }
  }

  private static func temporarySibling(of path: FilePath) throws -> FilePath {
    guard let name = path.lastComponent else { throw OperationFailure("create", path, .isDirectory) }
    let random = UInt32.random(in: 0 ... .max)
    return path.removingLastComponent().appending(".\(name.string).\(String(random, radix: 36)).new")
  }
}

extension AtomicFile {
  /// The file is in its place, but that it is there has not reached the disk for certain.
  public struct NotDurable: Diagnosable, Equatable {
    /// The file.
    public let path: FilePath
    /// What the kernel said about its folder.
    public let errno: Errno

    /// Stable identifier.
    public var code: String { "not-durable" }
    /// What is there, and what is not certain.
    public var message: String {
      "\(path.string.printable) is written and in its place, but may not survive a power cut: its folder: \(errno)"
    }
    /// How to find out.
    public var remedy: String? { "Check the disk that it is on (dmesg), and write it again." }
    /// An input or output error.
    public var kind: FailureKind { .inputOutput }
  }
}

/// An operating system call that failed: errno, operation and object.
public struct OperationFailure: Diagnosable, Equatable {
  /// What was tried, as a verb: `open`, `write`.
  public let operation: String
  /// On what.
  public let path: FilePath
  /// The kernel's answer.
  public let errno: Errno

  /// Names a failed call.
  public init(_ operation: String, _ path: FilePath, _ errno: Errno) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }

  /// Runs calls that throw `Errno` and names what they were for.
  public static func wrap<Result>(_ operation: String, _ path: FilePath, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as Errno { throw OperationFailure(operation, path, error) }
  }

  /// Stable identifier.
  public var code: String {
    switch errno {
    case .noSpace, .diskQuotaExceeded: "disk-full"
    case .noSuchFileOrDirectory: "no-such-file"
    case .permissionDenied, .notPermitted, .readOnlyFileSystem: "permission-denied"
    case .notDirectory: "not-a-folder"
    default: "io-error"
    }
  }
  /// `write /srv/out.iso: No space left on device`.
  public var message: String { "\(operation) \(path.string.printable): \(errno)" }
  /// What helps against the common causes.
  public var remedy: String? {
    switch code {
    case "disk-full": "Free some space on that file system, or choose another place; nothing was replaced."
    case "no-such-file": "Check the path."
    case "not-a-folder": "Choose another place, or move the file away that stands where a folder should."
    case "permission-denied": "Choose a place that you may write to, or change its permissions."
    default: nil
    }
  }
  /// `cannotCreate` for what was to be written, `noInput` for what was to be read.
  public var kind: FailureKind {
    switch code {
    case "disk-full": .cannotCreate
    case "io-error": .inputOutput
    default: ["open", "read"].contains(operation) ? .noInput : .cannotCreate
    }
  }
}
