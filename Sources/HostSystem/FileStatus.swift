// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
package import SystemPackage

/// What the host says about a file; equal for a file that nobody has written to or replaced in between.
package struct FileStatus: Sendable, Equatable {
  package enum Kind: Sendable { case file, folder, symbolicLink, special }

  package let kind: Kind
  package let permissions: UInt16
  package let size: ByteCount
  private let identity: [UInt64]
  private let modified: [Int]

  /// Asks about a path.
  package init(_ path: FilePath, followingLinks: Bool) throws(Errno) {
    var status = stat()
    guard (followingLinks ? stat(path.string, &status) : lstat(path.string, &status)) == 0 else {
      throw Errno(rawValue: errno)
    }
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFLNK: .symbolicLink
      default: .special
      }
    permissions = UInt16(status.st_mode & 0o7777)
    size = ByteCount(Int64(status.st_size))
    identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
    modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
  }
}
