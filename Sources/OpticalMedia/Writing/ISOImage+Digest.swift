// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem
public import SystemPackage

extension ISOImage {
  /// The SHA-256 of a whole image.
  ///
  /// It is no by-product of writing: the seal in the volume descriptor near the image's beginning depends on all that
  /// follows, and SHA-256 runs from front to back.
  /// - Throws: `OperationFailure`.
  public static func digest(of path: FilePath) throws -> Digest {
    try OperationFailure.wrap("read", path) { try Digest(ofFile: path) }
  }
}
