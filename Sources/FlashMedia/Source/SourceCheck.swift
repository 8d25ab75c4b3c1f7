// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import SystemPackage

/// Compares what is read with what was promised, as it passes by, in ascending order.
struct SourceCheck {
  /// What is promised.
  struct Promise: Sendable {
    /// The whole image's SHA-256, and the file that says so.
    var whole: (digest: Digest, file: FilePath)?
    /// The block map, and its file.
    var map: (map: BlockMap, file: FilePath)?
  }

  private let promise: Promise
  private var whole = Digest.Hasher()
  private var wholeEnd: Int64 = 0
  private var ranges: ArraySlice<BlockMap.Mapped>
  private var current: Digest.Hasher?

  init(_ promise: Promise) {
    self.promise = promise
    ranges = (promise.map?.map.mapped ?? [])[...]
  }

  /// Whether every byte has to pass by, those of holes included.
  var wantsEverything: Bool { promise.whole != nil }
  /// How far the whole image's digest has come.
  var position: Int64 { wholeEnd }

  /// Takes bytes of the image.
  mutating func take(_ buffer: AlignedBuffer, count: Int, at offset: Int64) throws(FlashMediaFailure.SourceProblem) {
    if promise.whole != nil {
      buffer.hash(0..<count, into: &whole)
      wholeEnd = offset + Int64(count)
    }
    let end = offset + Int64(count)
    while let mapped = ranges.first, mapped.range.lowerBound < end {
      if mapped.digest != nil {
        var hasher = current ?? Digest.Hasher()
        let from = max(mapped.range.lowerBound, offset)
        let to = min(mapped.range.upperBound, end)
        if from < to { buffer.hash(Int(from - offset)..<Int(to - offset), into: &hasher) }
        current = hasher
      }
      guard mapped.range.upperBound <= end else { return }
      try close(mapped)
    }
  }

  private mutating func close(_ mapped: BlockMap.Mapped) throws(FlashMediaFailure.SourceProblem) {
    ranges.removeFirst()
    guard let expected = mapped.digest, let file = promise.map?.file else { return }
    let found = (current ?? Digest.Hasher()).finish()
    current = nil
    guard found == expected else { throw .range(FlashRange(mapped.range), file: file) }
  }

  /// Judges when all has been taken.
  consuming func finish() throws(FlashMediaFailure.SourceProblem) {
    guard let (digest, file) = promise.whole else { return }
    guard whole.finish() == digest else { throw .digest(file: file) }
  }
}
