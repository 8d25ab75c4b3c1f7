// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Synchronization
import SystemPackage

@testable import FlashMedia

/// A drive in memory with one of the faults that no kernel of this host offers.
final class FakeTarget: BlockTarget {
  enum Fault: Sendable {
    case none
    /// Addresses count modulo the real size.
    case wrapsAround(at: Int64)
    /// What lies beyond is accepted and lost.
    case drops(beyond: Int64)
    /// A bit is wrong in every read of this byte, or in the first one after something was written there.
    case flipsBit(at: Int64, times: Int)
    case failsWrite(at: Int64, Errno)
    case hangsWrite(at: Int64)
    /// Every write that begins there waits until the drive is released.
    case waits(in: Range<Int64>)
    /// Gone as soon as something is written there.
    case pulled(at: Int64)
  }

  private struct Content {
    var bytes: [UInt8]
    var flips: Int
    var isGone = false
    var isWaiting = false
    var writes: [(range: Range<Int64>, isZero: Bool)] = []
  }

  let path: FilePath
  let size: Int64
  let blockSize: Int
  private let fault: Fault
  private let content: Mutex<Content>
  private let released = DispatchSemaphore(value: 0)

  init(
    _ name: String = "fake", size: Int64, blockSize: Int = 512, filledWith byte: UInt8 = 0xee, _ fault: Fault = .none
  ) {
    self.blockSize = blockSize
    path = FilePath(name)
    self.size = size
    self.fault = fault
    var flips = 0
    if case .flipsBit(_, let times) = fault { flips = times }
    content = Mutex(Content(bytes: Array(repeating: byte, count: Int(size)), flips: flips))
  }

  var bytes: [UInt8] { content.withLock { $0.bytes } }
  func put(_ bytes: [UInt8], at offset: Int) {
    content.withLock { $0.bytes.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
  }
  /// Whether the drive begins with these bytes.
  func begins(with bytes: [UInt8]) -> Bool {
    content.withLock { content in
      content.bytes.withUnsafeBytes { own in
        bytes.withUnsafeBytes { other in
          guard let mine = own.baseAddress, let others = other.baseAddress, own.count >= other.count else {
            return other.isEmpty
          }
          return memcmp(mine, others, other.count) == 0
        }
      }
    }
  }
  /// What was written, in order.
  var writes: [(range: Range<Int64>, isZero: Bool)] { content.withLock { $0.writes } }
  func forgetWrites() { content.withLock { $0.writes = [] } }
  /// Whether a write has had to wait.
  var isWaiting: Bool { content.withLock { $0.isWaiting } }
  /// Lets a hanging write go, or all that wait.
  func release() { released.signal() }

  private func store(_ bytes: [UInt8], at offset: Int64, isZero: Bool) throws(Errno) {
    let range = offset..<offset + Int64(bytes.count)
    switch fault {
    case .failsWrite(let place, let errno) where range.contains(place): throw errno
    case .hangsWrite(let place) where range.contains(place): released.wait()
    case .waits(let place) where place.contains(range.lowerBound):
      content.withLock { $0.isWaiting = true }
      released.wait()
      released.signal()
    case .pulled(let place) where range.contains(place): content.withLock { $0.isGone = true }
    default: break
    }
    guard isPresent else { throw .ioError }
    content.withLock { content in
      content.writes.append((range, isZero))
      switch fault {
      case .wrapsAround(let real):
        for (index, byte) in bytes.enumerated() { content.bytes[Int((offset + Int64(index)) % real)] = byte }
      case .drops(let real):
        let kept = max(0, min(bytes.count, Int(real - offset)))
        content.bytes.replaceSubrange(Int(offset)..<Int(offset) + kept, with: bytes[..<kept])
      default: content.bytes.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
      }
    }
  }

  func write(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws(Errno) {
    guard range.count % blockSize == 0, offset % Int64(blockSize) == 0 else { throw .invalidArgument }
    try store(buffer.bytes(range), at: offset, isZero: false)
  }

  func read(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws(Errno) {
    guard range.count % blockSize == 0, offset % Int64(blockSize) == 0 else { throw .invalidArgument }
    guard isPresent else { throw .ioError }
    content.withLock { content in
      var start = Int(offset)
      if case .wrapsAround(let real) = fault { start = Int(offset % real) }
      var bytes: [UInt8]
      if start + range.count <= content.bytes.count {
        bytes = Array(content.bytes[start..<start + range.count])
      } else {
        bytes = Array(repeating: 0, count: range.count)
      }
      if case .wrapsAround(let real) = fault, start + range.count > Int(real) {
        bytes = (0..<range.count).map { content.bytes[Int((offset + Int64($0)) % real)] }
      }
      if case .flipsBit(let place, _) = fault, place >= offset, place < offset + Int64(range.count), content.flips > 0 {
        content.flips -= 1
        bytes[Int(place - offset)] ^= 0x10
      }
      buffer.replace(at: range.lowerBound, with: bytes)
    }
  }

  func zero(_ range: Range<Int64>) throws(Errno) {
    try store(Array(repeating: 0, count: range.count), at: range.lowerBound, isZero: true)
  }
  func flush() throws(Errno) { guard isPresent else { throw .ioError } }
  func rereadPartitions() {}
  var isPresent: Bool { content.withLock { !$0.isGone } }
}
