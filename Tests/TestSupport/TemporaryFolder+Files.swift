// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
public import HostSystem
public import SystemPackage

extension TemporaryFolder {
  /// The path of something in it.
  public subscript(name: String) -> FilePath { path.appending(name) }

  /// Makes a file, and the folders above it.
  @discardableResult
  public func file(_ name: String, _ content: [UInt8], permissions: UInt16 = 0o644) throws -> FilePath {
    let file = try write(name, content)
    try FileTree.setPermissions(file, permissions)
    return file
  }

  /// Makes a file that has a size but no blocks.
  public func sparse(_ name: String, _ size: ByteCount) throws -> FilePath {
    let file = try file(name, [])
    guard truncate(file.string, off_t(size.bytes)) == 0 else { throw Errno(rawValue: errno) }
    return file
  }
}

/// Bytes that differ from place to place and from seed to seed.
public func pattern(_ count: Int, seed: UInt32 = 1) -> [UInt8] {
  var state = seed &* 2_654_435_761 | 1
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 17
    state ^= state << 5
    return UInt8(truncatingIfNeeded: state)
  }
}

/// A whole file.
public func bytes(of file: FilePath) throws -> [UInt8] { try FileTree.bytes(of: file) }
