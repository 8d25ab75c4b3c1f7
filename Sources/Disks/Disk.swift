// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import HostSystem
package import SystemPackage

/// What is done to a disk, by the byte; a test's own stops in the middle, as a power cut does.
package protocol DiskAccess: ByteSource, Sendable {
  /// The disk, for messages.
  var path: FilePath { get }
  /// Puts bytes into place.
  func write(_ bytes: [UInt8], at offset: Int64) throws
  /// Waits until the disk has everything, and forgets what the kernel remembers of it, so that what is read next comes
  /// from the disk.
  func flush() throws
}

/// A whole disk, or the image file of one. It may be in use: others have partitions of it mounted.
///
/// While it is held for writing nobody else's Lifeboat writes to it, and udev leaves it alone: both look at the lock
/// (systemd, "Locking Block Device Access").
package final class Disk: DiskAccess {
  package let path: FilePath
  /// Its size.
  package let size: Int64
  /// The unit that its partition table counts in.
  package let sectorSize: Int
  /// Whether it is a file.
  package let isFile: Bool
  /// Whether it is held for being changed.
  package let isWriting: Bool
  package let descriptor: FileDescriptor

  /// udev holds a disk for a moment after every change.
  private static let patience = (attempts: 30, pause: UInt32(100_000))

  /// Opens a disk.
  /// - Parameter isWriting: whether it is going to be changed; otherwise nothing is held.
  /// - Throws: `DiskFailure.noDisk`, `.writeProtected`, `.busy`; `OperationFailure`.
  package init(_ path: FilePath, isWriting: Bool) throws {
    (self.path, self.isWriting) = (path, isWriting)
    var status = stat()
    guard stat(path.string, &status) == 0 else { throw OperationFailure("open", path, Errno(rawValue: errno)) }
    isFile = status.st_mode & S_IFMT == S_IFREG
    guard isFile || status.st_mode & S_IFMT == S_IFBLK else { throw DiskFailure.noDisk(path) }
    do {
      descriptor = try FileDescriptor.open(path, isWriting ? .readWrite : .readOnly, options: .closeOnExec)
    } catch Errno.readOnlyFileSystem {
      throw DiskFailure.writeProtected(path)
    } catch let error as Errno {
      throw OperationFailure("open", path, error)
    }
    do {
      (size, sectorSize) = try Self.measure(descriptor, status, isWriting: isWriting, path)
      if isWriting { try Self.lock(descriptor, path) }
    } catch {
      try? descriptor.close()
      throw error
    }
  }

  deinit {
    // A program that is just being started has a copy of the descriptor until it has dropped it.
    flock(descriptor.rawValue, LOCK_UN)
    try? descriptor.close()
  }

  private static func measure(
    _ descriptor: FileDescriptor, _ status: stat, isWriting: Bool, _ path: FilePath
  ) throws -> (Int64, Int) {
    guard status.st_mode & S_IFMT == S_IFBLK else { return (Int64(status.st_size), 512) }
    var bytes: UInt64 = 0
    var logical: Int32 = 0
    var readOnly: Int32 = 0
    for result in [
      linux_block_size(descriptor.rawValue, &bytes), linux_block_logical_size(descriptor.rawValue, &logical),
      linux_block_read_only(descriptor.rawValue, &readOnly),
    ] where result != 0 { throw OperationFailure("measure", path, Errno(rawValue: -result)) }
    if isWriting, readOnly != 0 { throw DiskFailure.writeProtected(path) }
    return (Int64(bytes), Int(logical))
  }

  private static func lock(_ descriptor: FileDescriptor, _ path: FilePath) throws {
    for _ in 0..<patience.attempts {
      if flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 { return }
      let error = Errno(rawValue: errno)
      guard error == .wouldBlock else { throw OperationFailure("lock", path, error) }
      usleep(patience.pause)
    }
    throw DiskFailure.busy(path)
  }

  package func bytes(_ range: Range<Int64>) throws -> [UInt8] {
    try readBytes(descriptor, range, path)
  }

  package func write(_ bytes: [UInt8], at offset: Int64) throws {
    do { try descriptor.writeAll(toAbsoluteOffset: offset, bytes) } catch let error as Errno {
      throw DiskFailure.write(path, offset: ByteCount(offset), error)
    }
  }

  package func flush() throws {
    guard fsync(descriptor.rawValue) == 0 else {
      throw DiskFailure.write(path, offset: .zero, Errno(rawValue: errno))
    }
    if isFile {
      posix_fadvise(descriptor.rawValue, 0, 0, POSIX_FADV_DONTNEED)
    } else {
      // Only an administrator may; whoever else could open the disk reads what the kernel remembers.
      _ = linux_block_flush(descriptor.rawValue)
    }
  }
}

/// All bytes of a range, or an error that names the file.
package func readBytes(_ descriptor: FileDescriptor, _ range: Range<Int64>, _ path: FilePath) throws -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: range.count)
  var done = 0
  try OperationFailure.wrap("read", path) {
    while done < bytes.count {
      let count = try bytes.withUnsafeMutableBytes {
        try descriptor.read(fromAbsoluteOffset: range.lowerBound + Int64(done), into: .init(rebasing: $0[done...]))
      }
      guard count > 0 else { throw Errno.ioError }
      done += count
    }
  }
  return bytes
}

/// A part of a disk, counted from its own beginning.
package struct DiskPart: ByteSource {
  package let disk: any DiskAccess
  package let start: Int64

  /// A part that begins at some byte of the disk.
  package init(disk: any DiskAccess, start: Int64) { (self.disk, self.start) = (disk, start) }

  package func bytes(_ range: Range<Int64>) throws -> [UInt8] {
    try disk.bytes(range.lowerBound + start..<range.upperBound + start)
  }
}

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
