// SPDX-License-Identifier: GPL-3.0-or-later
import SystemPackage
import TestSupport

extension BootSector {
  /// Puts boot code before the partition table in a disk's image.
  static func put(_ code: [UInt8], on disk: FilePath) throws {
    let file = try FileDescriptor.open(disk, .readWrite)
    defer { try? file.close() }
    try file.writeAll(toAbsoluteOffset: 0, code)
  }
}
