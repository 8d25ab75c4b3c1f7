// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import Synchronization
public import SystemPackage

/// A folder of its own in the system's temp folder, gone with everything in it when the value is.
///
/// Its path is short, since the sockets of virtual machines have room for 107 bytes. Keep the value alive for as long
/// as its files are needed: use `with`, `withExtendedLifetime`, or a stored property of the suite.
public final class TemporaryFolder: Sendable {
  /// Where it is.
  public let path: FilePath

  /// Makes the folder.
  public init() throws { path = try Self.make("test") }

  deinit { FileTree.remove(path) }

  /// Calls `body` with a new folder, and removes it.
  public static func with<Result: Sendable>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    let folder = try make("test")
    defer { FileTree.remove(folder) }
    return try await body(folder)
  }

  /// A folder that is removed when the process ends, for what many tests share.
  public static func untilExit(_ name: String) -> FilePath {
    guard let folder = try? make(name) else { preconditionFailure("no temporary folder can be made in \(parent)") }
    let isFirst = removedAtExit.withLock {
      $0.append(folder)
      return $0.count == 1
    }
    if isFirst { atexit { TemporaryFolder.removedAtExit.withLock { $0 }.forEach(FileTree.remove) } }
    return folder
  }

  private static let removedAtExit = Mutex<[FilePath]>([])
  private static var parent: FilePath { FilePath(HostEnvironment["TMPDIR"] ?? "/tmp") }

  private static func make(_ name: String) throws -> FilePath {
    var template = Array(parent.appending("lifeboat-\(name).XXXXXX").string.utf8CString)
    guard mkdtemp(&template) != nil else { throw OperationFailure("create", parent, Errno(rawValue: errno)) }
    return FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
  }
}

extension TemporaryFolder {
  /// A path in it; nothing is made.
  public func appending(_ name: String) -> FilePath { path.appending(name) }

  /// Writes a file, with the folders above it.
  @discardableResult public func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    let file = path.appending(name)
    try FileTree.makeFolder(file.removingLastComponent())
    try AtomicFile.write(bytes, to: file)
    return file
  }

  /// Writes a text, with the folders above it.
  @discardableResult public func write(_ name: String, _ text: String) throws -> FilePath {
    try write(name, Array(text.utf8))
  }

  /// Writes a POSIX sh script that can be run; a stand-in for a program that misbehaves on demand.
  @discardableResult public func writeScript(_ name: String, _ lines: String) throws -> FilePath {
    let file = try write(name, "#!/bin/sh\n" + lines + "\n")
    try FileTree.setPermissions(file, 0o755)
    return file
  }

  /// The names in it, hidden ones included, sorted.
  public var names: [String] { FileTree.names(in: path) }
}
