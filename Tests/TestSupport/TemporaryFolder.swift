// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
public import SystemPackage

/// A folder of its own in the system's temp folder, gone with everything in it when the value is.
///
/// Keep it alive for as long as its files are needed: `withExtendedLifetime`, or a stored property of the suite.
public final class TemporaryFolder: Sendable {
  /// Where it is.
  public let path: FilePath

  /// Makes the folder.
  public init() throws {
    path = FilePath(FileManager.default.temporaryDirectory.path).appending("lifeboat-test-\(UUID().uuidString)")
    try FileTree.makeFolder(path)
  }

  deinit { FileTree.remove(path) }

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
