// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
package import SystemPackage

/// A small archive in cpio's format `newc`, uncompressed, which Linux takes as an initrd and GRUB as a disk in memory. The
/// same values give the same bytes.
package struct SmallArchive: Sendable {
  /// Paths and contents; folders above them are made.
  package var files: [(path: String, bytes: [UInt8])]
  /// Seconds since 1970 that everything is stamped with.
  package var timestamp: Int64

  /// Describes an archive.
  package init(files: [(path: String, bytes: [UInt8])], timestamp: Int64) {
    (self.files, self.timestamp) = (files, timestamp)
  }

  /// The archive's bytes.
  /// - Parameter scratch: an existing folder.
  /// - Throws: `OperationFailure`; `ExternalCommand.Failure` without cpio.
  package func bytes(scratch: FilePath) async throws -> [UInt8] {
    let root = scratch.appending("archive")
    FileTree.remove(root)
    for file in files {
      let path = root.appending(file.path)
      try FileTree.makeFolder(path.removingLastComponent())
      try AtomicFile.write(file.bytes, to: path)
    }
    // Neither umask nor clock of this machine.
    let names = FileTree.walk(root)
    for name in names.reversed() {
      let path = root.appending(name)
      try FileTree.setPermissions(path, FileTree.kind(of: path) == .folder ? 0o755 : 0o644)
      let time = timespec(tv_sec: Int(timestamp), tv_nsec: 0)
      guard utimensat(AT_FDCWD, path.string, [time, time], 0) == 0 else {
        throw OperationFailure("set the time of", path, Errno(rawValue: errno))
      }
    }
    let command = ExternalCommand(
      "cpio", ["--create", "--format=newc", "--reproducible", "--owner=+0:+0", "--quiet", "--directory=\(root)"],
      environment: ["LC_ALL": "C"], package: "cpio")
    return try await command.output(input: Array(names.map { $0 + "\n" }.joined().utf8))
  }
}
