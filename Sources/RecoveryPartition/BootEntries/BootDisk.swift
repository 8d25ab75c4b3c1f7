// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// A whole disk, or an image of one, whose boot code is read and written.
struct BootDisk {
  let path: FilePath
  private let descriptor: FileDescriptor

  init(_ path: FilePath, writable: Bool) throws {
    self.path = path
    descriptor = try OperationFailure.wrap("open", path) {
      try FileDescriptor.open(path, writable ? .readWrite : .readOnly, options: .closeOnExec)
    }
  }

  func close() { try? descriptor.close() }

  /// Reads what is on the disk, not what the kernel remembers of it: a partition's device has a memory of its own.
  func read(at offset: Int64, count: Int) throws -> [UInt8] {
    _ = linux_block_flush(descriptor.rawValue)
    return try OperationFailure.wrap("read", path) {
      var bytes = [UInt8](repeating: 0, count: count)
      var done = 0
      while done < count {
        let next = try bytes.withUnsafeMutableBytes {
          try descriptor.read(fromAbsoluteOffset: offset + Int64(done), into: .init(rebasing: $0[done...]))
        }
        guard next > 0 else { throw Errno.ioError }
        done += next
      }
      return bytes
    }
  }

  /// Waits until the disk has everything.
  func flush() throws {
    guard fsync(descriptor.rawValue) == 0 else { throw OperationFailure("write", path, Errno(rawValue: errno)) }
  }

  /// Writes bytes, and reads them back with the rest of their last sector, which has to be what it was.
  func write(_ bytes: [UInt8], at offset: Int64 = 0) throws {
    let whole = BootRecord.padded(bytes).count
    let before = try read(at: offset, count: whole)
    try OperationFailure.wrap("write", path) { _ = try descriptor.writeAll(toAbsoluteOffset: offset, bytes) }
    try flush()
    guard try read(at: offset, count: whole) == bytes + before[bytes.count...] else {
      throw BootEntryFailure.recordNotWritten(path)
    }
  }
}
