// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Synchronization
internal import SystemPackage

/// What is known of a target while it is worked on; read by the supervisor.
struct TargetStatus: Sendable {
  var phase = FlashProgress.Phase.preparing
  var done: Int64 = 0
  var total: Int64?
  var state = StickState.untouched
  var written: Int64 = 0
  var zeroed: Int64 = 0
  var skipped: Int64 = 0
  var repaired: [FlashRange] = []
  var data: DataPartition.Placed?
  /// When the operations began that the device has not answered yet.
  var operations: [Int: ContinuousClock.Instant] = [:]
  var nextOperation = 0
  var isCancelled = false
  var isAbandoned = false
}

/// Whether a device still answers. Pure.
package enum Watchdog {
  /// Whether an operation that began at one of these times has taken longer than the limit.
  package static func isStalled(
    _ operations: some Sequence<ContinuousClock.Instant>, now: ContinuousClock.Instant, limit: Duration
  ) -> Bool {
    operations.contains { $0.duration(to: now) > limit }
  }
}

/// All operations on one target go through here: none begins after cancellation, the watchdog sees each, and errors
/// become failures that say what they mean.
final class TargetOperations: Sendable {
  let target: any BlockTarget
  let status = Mutex(TargetStatus())

  /// No operation is allowed any more.
  struct Ended: Error {}

  init(_ target: any BlockTarget) { self.target = target }

  func write(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws {
    try perform(writing: true, at: offset) { target throws(Errno) in try target.write(buffer, range, at: offset) }
    status.withLock { $0.written += Int64(range.count) }
  }

  func read(_ buffer: AlignedBuffer, _ range: Range<Int>, at offset: Int64) throws {
    try perform(writing: false, at: offset) { target throws(Errno) in try target.read(buffer, range, at: offset) }
  }

  func flush() throws {
    try perform(writing: true, at: 0) { target throws(Errno) in try target.flush() }
  }

  /// Makes a range zero, in parts that are short at first and longer while the device is quick about it: one that
  /// has to write every zero must be able to stop within a second.
  func zero(_ range: Range<Int64>, advanced: (Int64) -> Void = { _ in }) throws {
    var length: Int64 = 4 << 20
    var start = range.lowerBound
    while start < range.upperBound {
      let part = start..<min(range.upperBound, start + length)
      let began = ContinuousClock.now
      try perform(writing: true, at: start) { target throws(Errno) in try target.zero(part) }
      status.withLock { $0.zeroed += part.upperBound - part.lowerBound }
      advanced(part.upperBound - part.lowerBound)
      let took = began.duration(to: .now)
      if took < .milliseconds(100) { length = min(length * 4, 1 << 30) }
      if took > .milliseconds(500) { length = max(length / 4, 1 << 20) }
      start = part.upperBound
    }
  }

  /// Whether work has to stop.
  var hasEnded: Bool { status.withLock { $0.isCancelled || $0.isAbandoned } }

  private func perform(
    writing: Bool, at offset: Int64, _ body: (any BlockTarget) throws(Errno) -> Void
  ) throws {
    let number = try status.withLock { status in
      guard !status.isCancelled, !status.isAbandoned else { throw Ended() }
      status.nextOperation += 1
      status.operations[status.nextOperation] = .now
      return status.nextOperation
    }
    defer { status.withLock { $0.operations[number] = nil } }
    do throws(Errno) { try body(target) } catch {
      throw TargetFault.failure(
        error, target.path, offset: offset, writing: writing, isPresent: target.isPresent)
    }
  }
}
