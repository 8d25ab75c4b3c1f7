// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency internal import Glibc
internal import HostSystem
package import SystemPackage

/// What a session does to a target: the real one is `FlashTarget`; tests put those in its place that lie about their
/// size, flip bits or hang, which no kernel offers.
///
/// All calls block, come from several threads at once, and move whole logical blocks.
package protocol BlockTarget: Sendable {
  /// The device, for messages.
  var path: FilePath { get }
  /// Its size in bytes.
  var size: Int64 { get }
  /// What offsets and lengths must be multiples of.
  var blockSize: Int { get }
  /// Writes a part of a buffer, past all caches of the kernel.
  func write(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws(Errno)
  /// Reads into a part of a buffer, past all caches of the kernel.
  func read(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws(Errno)
  /// Makes a range read as zeros.
  func zero(_ range: Range<Int64>) throws(Errno)
  /// Waits until the device says that it has everything, and drops what the kernel remembers of it.
  func flush() throws(Errno)
  /// Makes the kernel look at the new partition table.
  func rereadPartitions()
  /// Whether the same medium is still there after an operation has failed; takes a while to be sure of it.
  var isPresent: Bool { get }
}

/// What an errno of a target means. Pure.
package enum TargetFault {
  /// Tells failures apart.
  /// - Parameters:
  ///   - writing: whether it was a write.
  ///   - isPresent: whether the same medium was still there afterwards; asked only where that matters.
  package static func failure(
    _ errno: Errno, _ path: FilePath, offset: Int64, writing: Bool, isPresent: @autoclosure () -> Bool
  ) -> FlashMediaFailure {
    switch errno {
    case .noSuchAddressOrDevice, Errno(rawValue: ENODEV), Errno(rawValue: ENOMEDIUM): return .gone(path)
    case .readOnlyFileSystem, .permissionDenied, .notPermitted:
      return writing ? .writeProtected(path) : .read(path, offset: ByteCount(offset), errno)
    default:
      guard isPresent() else { return .gone(path) }
      return writing
        ? .write(path, offset: ByteCount(offset), errno) : .read(path, offset: ByteCount(offset), errno)
    }
  }
}
