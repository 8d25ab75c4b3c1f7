// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
package import SystemPackage

/// A file, by the byte.
package final class FileBytes: ByteSource {
  private let path: FilePath
  private let descriptor: FileDescriptor

  package init(_ path: FilePath) throws {
    self.path = path
    descriptor = try OperationFailure.wrap("open", path) {
      try FileDescriptor.open(path, .readWrite, options: .closeOnExec)
    }
  }

  deinit { try? descriptor.close() }

  package func bytes(_ range: Range<Int64>) throws -> [UInt8] { try readBytes(descriptor, range, path) }

  package func write(_ bytes: [UInt8], at offset: Int64) throws {
    try OperationFailure.wrap("write", path) { _ = try descriptor.writeAll(toAbsoluteOffset: offset, bytes) }
  }
}
