// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// libisofs says of a relative path that the file does not exist.
enum AbsolutePath {
  /// The path, seen from the working folder if it is relative.
  static func of(_ path: FilePath) throws -> FilePath {
    guard path.isRelative else { return path }
    guard let folder = getcwd(nil, 0) else { throw OperationFailure("open", path, Errno(rawValue: errno)) }
    defer { free(folder) }
    return FilePath(String(cString: folder)).pushing(path)
  }
}
