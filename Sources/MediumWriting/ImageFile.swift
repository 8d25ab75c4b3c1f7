// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// The output: a file written from front to back in large aligned pieces, past the page cache where that is possible.
struct ImageFile {
  private let descriptor: FileDescriptor
  private let path: FilePath
  private let size: ByteCount
  private var isDirect = false
  private(set) var written: Int64 = 0

  /// O_DIRECT wants memory, offset and length in multiples of the drive's block size; 4,096 is the largest there is.
  static let alignment = 4096

  /// Takes an empty file that will have `size` bytes.
  /// - Parameter path: what errors name.
  init(_ descriptor: FileDescriptor, at path: FilePath, size: ByteCount) {
    self.descriptor = descriptor
    self.path = path
    self.size = size
  }

  /// Finds out now, not after minutes, that there is no room.
  func checkSpace() throws {
    guard let available = try available(), available < size else { return }
    throw ISOImage.Failure.target(path, .diskFull(needed: size, available: available))
  }

  /// Switches to O_DIRECT and claims all the room; a file system that knows no O_DIRECT stays with buffered writes.
  ///
  /// Those claim nothing: blocks that are claimed first and written through the cache cost ext4 thrice the time.
  mutating func bypassCache() throws {
    let flags = fcntl(descriptor.rawValue, F_GETFL)
    isDirect = flags >= 0 && fcntl(descriptor.rawValue, F_SETFL, flags | linux_o_direct) == 0
    guard isDirect else { return }
    let code = linux_reserve(descriptor.rawValue, size.bytes)
    // A file system that cannot promise space will say so when it is written.
    guard code < 0, ![-EOPNOTSUPP, -ENOSYS].contains(code) else { return }
    throw failure(Errno(rawValue: -code))
  }

  /// Writes the next piece: aligned memory, and all but the last in multiples of `alignment`.
  mutating func write(_ piece: UnsafeRawBufferPointer) throws {
    let whole = isDirect ? piece.count - piece.count % Self.alignment : piece.count
    try writeAll(UnsafeRawBufferPointer(rebasing: piece[..<whole]))
    guard whole < piece.count else { return }
    try useCache()
    try writeAll(UnsafeRawBufferPointer(rebasing: piece[whole...]))
  }

  /// Ends direct writing, so that whoever follows may read and write as he likes.
  mutating func useCache() throws {
    guard isDirect else { return }
    isDirect = false
    let flags = fcntl(descriptor.rawValue, F_GETFL)
    guard flags >= 0, fcntl(descriptor.rawValue, F_SETFL, flags & ~linux_o_direct) == 0 else {
      throw OperationFailure("write", path, Errno(rawValue: errno))
    }
  }

  private mutating func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor.rawValue, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(written))
      if count > 0 {
        done += count
        written += Int64(count)
        // A short write may leave an odd rest, which O_DIRECT would refuse.
        if isDirect, count % Self.alignment != 0 { try useCache() }
      } else if count < 0, errno == EINVAL, isDirect {
        // Some file systems accept the flag and refuse the write.
        try useCache()
      } else if count == 0 || errno != EINTR {
        throw failure(count == 0 ? .noSpace : Errno(rawValue: errno))
      }
    }
  }

  /// What the file system has left for this user, or nil where it does not say (network and RAM file systems).
  private func available() throws -> ByteCount? {
    var status = statvfs()
    guard fstatvfs(descriptor.rawValue, &status) == 0, status.f_blocks > 0 else { return nil }
    return ByteCount(
      Int64(clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue))
  }

  private func failure(_ errno: Errno) -> any Error {
    switch errno {
    case .noSpace, .diskQuotaExceeded:
      ISOImage.Failure.target(path, .diskFull(needed: size, available: (try? available()) ?? nil))
    case .fileTooLarge: ISOImage.Failure.target(path, .tooLarge(needed: size))
    default: OperationFailure("write", path, errno)
    }
  }
}
