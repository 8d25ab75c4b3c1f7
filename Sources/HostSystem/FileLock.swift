// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
public import SystemPackage

/// An advisory lock on a file (`flock`), held until the value is released or the process ends, however it ends.
public final class FileLock: Sendable {
  private let descriptor: FileDescriptor

  /// Takes the lock, or fails at once when another process holds it.
  /// - Throws: `Busy` if it is held; `OperationFailure`.
  public init(_ path: FilePath, shared: Bool = false) throws {
    let descriptor = try OperationFailure.wrap("lock", path) {
      try FileDescriptor.open(
        path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite, .groupRead, .otherRead])
    }
    self.descriptor = descriptor
    guard flock(descriptor.rawValue, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
      let error = Errno(rawValue: errno)
      guard error == .wouldBlock else { throw OperationFailure("lock", path, error) }
      throw Busy(path: path)
    }
  }

  deinit {
    // Closing alone would leave it held by a program that is just being started, until it has dropped its copy.
    flock(descriptor.rawValue, LOCK_UN)
    try? descriptor.close()
  }

  /// Another process holds the lock.
  public struct Busy: Diagnosable, Equatable {
    /// The lock's file.
    public let path: FilePath
    /// Stable identifier.
    public var code: String { "locked" }
    /// Who is in the way.
    public var message: String { "another Lifeboat is at work here: \(path) is locked" }
    /// Waiting helps.
    public var remedy: String? { "Wait until it has finished, then start again." }
    /// Try again later.
    public var kind: FailureKind { .busy }
  }
}
