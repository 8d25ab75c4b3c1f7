// SPDX-License-Identifier: GPL-3.0-or-later
internal import CLinux
@preconcurrency internal import Glibc
internal import HostSystem
internal import SystemPackage

/// A fixed stretch of memory that the kernel can move to and from a device by itself (`O_DIRECT`): the only place of
/// this module that touches raw memory.
///
/// One thread at a time writes into it; `SharedWindow` decides who may read it when. A thread that hangs in the kernel
/// keeps it alive, so that the device never reads or writes memory that belongs to somebody else by then.
package final class AlignedBuffer: @unchecked Sendable {
  /// Fits every logical block of the drives that exist, and the page.
  static let alignment = 4096

  /// How many bytes it has.
  package let count: Int
  private let memory: UnsafeMutableRawPointer

  /// Allocates; all zero.
  package init(count: Int) {
    self.count = count
    let isLarge = count >= Self.largePage
    memory = UnsafeMutableRawPointer.allocate(
      byteCount: count, alignment: isLarge ? Self.largePage : Self.alignment)
    if isLarge { madvise(memory, count, MADV_HUGEPAGE) }
    memset(memory, 0, count)
  }

  deinit { memory.deallocate() }

  /// What the processor maps at once if it may: a page fault instead of 512.
  private static let largePage = 2 << 20

  /// One byte.
  package subscript(index: Int) -> UInt8 {
    get { memory.load(fromByteOffset: index, as: UInt8.self) }
    set { memory.storeBytes(of: newValue, toByteOffset: index, as: UInt8.self) }
  }

  /// A copy of some bytes.
  package func bytes(_ range: Range<Int>) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: memory + range.lowerBound, count: range.count))
  }

  /// Puts bytes into place.
  package func replace(at offset: Int, with bytes: [UInt8]) {
    bytes.withUnsafeBytes { if let start = $0.baseAddress { memcpy(memory + offset, start, bytes.count) } }
  }

  /// Lets a library write into a range.
  /// - Returns: what it returns.
  func fill(_ range: Range<Int>, _ body: (UnsafeMutableRawPointer, Int) -> Int) -> Int {
    body(memory + range.lowerBound, range.count)
  }

  /// Repeats four words.
  func fill(_ range: Range<Int>, with words: SIMD4<UInt64>) {
    for offset in stride(from: range.lowerBound, to: range.upperBound, by: 32) {
      memory.storeBytes(of: words, toByteOffset: offset, as: SIMD4<UInt64>.self)
    }
  }

  /// Whether bytes are four words over and over.
  func isFilled(_ range: Range<Int>, with words: SIMD4<UInt64>) -> Bool {
    stride(from: range.lowerBound, to: range.upperBound, by: 32).allSatisfy { self.words(at: $0) == words }
  }

  /// Four words.
  func words(at offset: Int) -> SIMD4<UInt64> { memory.load(fromByteOffset: offset, as: SIMD4<UInt64>.self) }

  /// Copies bytes from another buffer.
  package func copy(_ range: Range<Int>, of other: AlignedBuffer, to offset: Int) {
    memcpy(memory + offset, other.memory + range.lowerBound, range.count)
  }

  /// Sets bytes to zero.
  package func clear(_ range: Range<Int>) { memset(memory + range.lowerBound, 0, range.count) }

  /// Whether bytes are all zero.
  package func isZero(_ range: Range<Int>) -> Bool { linux_is_zero(memory + range.lowerBound, range.count) }

  /// Whether bytes equal those of another buffer at the same place.
  package func equals(_ other: AlignedBuffer, _ range: Range<Int>) -> Bool {
    memcmp(memory + range.lowerBound, other.memory + range.lowerBound, range.count) == 0
  }

  /// The checksum of the first bytes.
  package func checksum(_ count: Int) -> Checksum {
    let sum = linux_checksum(memory, count)
    return Checksum(low: sum.low, high: sum.high)
  }

  /// Adds bytes to a digest.
  func hash(_ range: Range<Int>, into hasher: inout Digest.Hasher) {
    hasher.update(UnsafeRawBufferPointer(start: memory + range.lowerBound, count: range.count))
  }

  /// Writes all of a range to a place of a device.
  func write(_ range: Range<Int>, to descriptor: FileDescriptor, at offset: Int64) throws(Errno) {
    var done = 0
    while done < range.count {
      let result = pwrite(
        descriptor.rawValue, memory + range.lowerBound + done, range.count - done, off_t(offset) + off_t(done))
      if result < 0, errno == EINTR { continue }
      guard result >= 0 else { throw Errno(rawValue: errno) }
      guard result > 0 else { throw .noSpace }
      done += result
    }
  }

  /// Fills a range from a place of a file or device; returns how many bytes there were before its end.
  func read(_ range: Range<Int>, from descriptor: FileDescriptor, at offset: Int64) throws(Errno) -> Int {
    var done = 0
    while done < range.count {
      let result = pread(
        descriptor.rawValue, memory + range.lowerBound + done, range.count - done, off_t(offset) + off_t(done))
      if result < 0, errno == EINTR { continue }
      guard result >= 0 else { throw Errno(rawValue: errno) }
      guard result > 0 else { break }
      done += result
    }
    return done
  }

  /// Fills a range from a pipe; returns how many bytes there were before its end.
  func read(_ range: Range<Int>, fromPipe descriptor: FileDescriptor) throws(Errno) -> Int {
    var done = 0
    while done < range.count {
      let result = Glibc.read(descriptor.rawValue, memory + range.lowerBound + done, range.count - done)
      if result < 0, errno == EINTR { continue }
      guard result >= 0 else { throw Errno(rawValue: errno) }
      guard result > 0 else { break }
      done += result
    }
    return done
  }
}

/// 128 bits that tell two pieces apart unless somebody chose them on purpose: a drive's errors do not.
package struct Checksum: Hashable, Sendable {
  let low: UInt64
  let high: UInt64
}
