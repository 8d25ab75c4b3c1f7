// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Finds drives that say they are larger than they are, in seconds, before an image is entrusted to them.
///
/// Such a drive drops what lies beyond its real size, or puts it somewhere below it, mostly at the address modulo the
/// real size. So a run of marked blocks is written at the drive's very end. If it does not read back, the drive drops
/// it. If it does, one block is read at every half of the run's length over the whole drive: wherever the run has
/// gone, whatever the modulus, and even if it was cut in two there, one of these reads hits it.
///
/// ```
///   |··|··|··|··|··[copy]··|··|··|··|··|··|··[run]|      · one block is read     run: 4 or 16 MiB
///                   ↑ found here: the real size divides the distance
/// ```
///
/// A drive that keeps a run of that length in a cache of its own can still hide; the read-back after the write, or
/// the full probe, finds it. What stood in the run's place is lost.
struct CapacityProbe {
  let target: any BlockTarget
  /// Wraps each operation: errors become failures, the watchdog is told, cancellation is seen.
  let perform: TargetOperations
  private let nonce = UInt64.random(in: 1 ... .max)
  private let grain = Int64(4096)

  init(_ target: any BlockTarget, _ perform: TargetOperations) {
    self.target = target
    self.perform = perform
  }

  /// The bytes of the run for a drive of a size.
  static func runLength(_ size: Int64) -> Int64 {
    let wanted: Int64 = size >= 16 << 30 ? 16 << 20 : 4 << 20
    return min(wanted, size / 4 / 4096 * 4096)
  }

  /// The quick probe.
  /// - Returns: the most that the drive can have if it is less than it says, else nil.
  func quick(_ buffer: AlignedBuffer) throws -> Int64? {
    let length = Self.runLength(target.size)
    guard length >= 2 * grain else { return nil }
    let start = (target.size - length) / grain * grain
    let end = start + length
    try write(start..<end, buffer)
    try perform.flush()
    guard try holds(start..<end, buffer) else { return try lastGood(below: start, buffer) }
    var position: Int64 = 0
    while position < start {
      if let marked = try mark(at: position, buffer) {
        return try realSize(distance: marked - position, above: position, buffer)
      }
      position += length / 2 / grain * grain
    }
    try perform.zero(start..<end)
    return nil
  }

  /// The full probe: marks every block, reads every block.
  func full(_ buffer: AlignedBuffer, progress: (Int64) -> Void) throws -> Int64? {
    let step = Int64(buffer.count)
    let end = target.size / grain * grain
    for start in stride(from: 0, to: end, by: Int(step)) {
      try write(start..<min(end, start + step), buffer)
      progress(min(end, start + step) / 2)
    }
    try perform.flush()
    for start in stride(from: 0, to: end, by: Int(step)) {
      let range = start..<min(end, start + step)
      guard try holds(range, buffer) else { return try firstBad(range, end, buffer) }
      progress((end + range.upperBound) / 2)
    }
    return nil
  }

  /// After a full write: where blocks were overwritten by those of the address plus the real size, that is it.
  private func firstBad(_ range: Range<Int64>, _ end: Int64, _ buffer: AlignedBuffer) throws -> Int64 {
    for position in stride(from: range.lowerBound, to: range.upperBound, by: Int(grain)) {
      guard let mark = try mark(at: position, buffer) else { return position }
      guard mark == position else {
        return try realSize(distance: mark - position, above: position, buffer)
      }
    }
    return range.lowerBound
  }

  /// The drive wraps around, and `distance` is a multiple of where: tries the divisors, smallest result first.
  private func realSize(distance: Int64, above position: Int64, _ buffer: AlignedBuffer) throws -> Int64 {
    guard distance > 0 else { return target.size + distance }
    for divisor in stride(from: Int64(1024), to: 1, by: -1) where distance % divisor == 0 {
      let modulus = distance / divisor
      guard modulus % Int64(target.blockSize) == 0, modulus > position else { continue }
      // The same nonce marked with another place: if it shows up one modulus further, it wraps there.
      try write(position..<(position + grain), buffer)
      try perform.flush()
      if position + modulus + grain <= target.size, try mark(at: position + modulus, buffer) == position {
        return modulus
      }
    }
    return distance
  }

  /// The drive drops what lies high up: finds the last place that keeps a mark.
  private func lastGood(below high: Int64, _ buffer: AlignedBuffer) throws -> Int64 {
    var good: Int64 = 0
    var bad = high / grain
    while bad - good > 1 {
      let middle = (good + bad) / 2
      let range = middle * grain..<(middle + 1) * grain
      try write(range, buffer)
      try perform.flush()
      if try holds(range, buffer) { good = middle } else { bad = middle }
    }
    return bad * grain
  }

  /// Marks every block of a range with its place.
  private func write(_ range: Range<Int64>, _ buffer: AlignedBuffer) throws {
    try pieces(range, buffer) { piece in
      for offset in stride(from: 0, to: Int(piece.upperBound - piece.lowerBound), by: Int(grain)) {
        buffer.fill(offset..<offset + Int(grain), with: words(piece.lowerBound + Int64(offset)))
      }
      try perform.write(buffer, 0..<Int(piece.upperBound - piece.lowerBound), at: piece.lowerBound)
    }
  }

  private func holds(_ range: Range<Int64>, _ buffer: AlignedBuffer) throws -> Bool {
    var good = true
    try pieces(range, buffer) { piece in
      guard good else { return }
      let count = Int(piece.upperBound - piece.lowerBound)
      try perform.read(buffer, 0..<count, at: piece.lowerBound)
      for offset in stride(from: 0, to: count, by: Int(grain)) where good {
        good = buffer.isFilled(offset..<offset + Int(grain), with: words(piece.lowerBound + Int64(offset)))
      }
    }
    return good
  }

  /// The place that a block is marked with, if it carries this probe's mark.
  private func mark(at position: Int64, _ buffer: AlignedBuffer) throws -> Int64? {
    try perform.read(buffer, 0..<Int(grain), at: position)
    let words = buffer.words(at: 0)
    guard words[0] == nonce, words[2] == ~nonce, words[1] == ~words[3] else { return nil }
    return Int64(bitPattern: words[1])
  }

  /// What a block is filled with: nonce and place, each with its complement.
  private func words(_ position: Int64) -> SIMD4<UInt64> {
    let place = UInt64(bitPattern: position)
    return SIMD4(nonce, place, ~nonce, ~place)
  }

  private func pieces(_ range: Range<Int64>, _ buffer: AlignedBuffer, _ body: (Range<Int64>) throws -> Void) throws {
    for start in stride(from: range.lowerBound, to: range.upperBound, by: buffer.count) {
      try body(start..<min(range.upperBound, start + Int64(buffer.count)))
    }
  }
}
