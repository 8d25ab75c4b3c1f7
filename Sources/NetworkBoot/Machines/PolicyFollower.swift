// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
internal import NetworkBootPolicy
internal import SystemPackage

/// The policy file, as it was when it was last good.
///
///     every second ─▶ FILE ─┬─ the same: nothing
///                           ├─ a good one: it holds from now on
///                           └─ a bad one, one that the set cannot serve, or none: said once; the last good one stays
struct PolicyFollower: Sendable {
  let path: FilePath
  /// What holds.
  var policy: BootPolicy
  /// What the file looked like when it was last read.
  private var mark: Mark?

  /// What tells one version of a file from another without reading it.
  private struct Mark: Hashable {
    var device: UInt
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int

    init?(_ path: FilePath) {
      var status = stat()
      guard stat(path.string, &status) == 0 else { return nil }
      (device, inode, size) = (UInt(status.st_dev), UInt(status.st_ino), Int(status.st_size))
      (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
  }

  /// Reads the file.
  /// - Parameter images: the images of the set.
  /// - Throws: `NetworkBootPolicyFailure.invalidPolicy`, `OperationFailure`.
  init(_ path: FilePath, images: [String]) throws {
    self.path = path
    mark = Mark(path)
    policy = try Self.read(path, images)
  }

  private static func read(_ path: FilePath, _ images: [String]) throws -> BootPolicy {
    try BootPolicy(reading: try FileTree.bytes(of: path), file: path.string, images: images)
  }

  /// Looks once; `policy` is as before, and is the caller's to change.
  /// - Returns: another policy that the file has now; nil for the same.
  /// - Throws: what is wrong with a file that has changed; once, as it is not read again before it changes again.
  mutating func look(images: [String]) throws -> BootPolicy? {
    let mark = Mark(path)
    guard mark != self.mark else { return nil }
    self.mark = mark
    let policy = try Self.read(path, images)
    return policy == self.policy ? nil : policy
  }

  /// What is wrong with the file beside another set. One that the set before could not be served with is looked at anew.
  mutating func complain(images: [String]) -> String? {
    do {
      if try Self.read(path, images) != policy { mark = nil }
      return nil
    } catch {
      return (error as? any Diagnosable)?.message ?? "\(error)"
    }
  }
}
