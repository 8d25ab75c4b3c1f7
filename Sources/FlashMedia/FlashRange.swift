// SPDX-License-Identifier: GPL-3.0-or-later
public import HostSystem

/// A stretch of bytes of a target, or of the image that is written to it: the same numbers, for an image begins at 0.
public struct FlashRange: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The first byte.
  public var offset: ByteCount
  /// How many bytes.
  public var length: ByteCount

  /// Describes a stretch.
  public init(offset: ByteCount, length: ByteCount) {
    self.offset = offset
    self.length = length
  }

  package init(_ bounds: Range<Int64>) {
    self.init(offset: ByteCount(bounds.lowerBound), length: ByteCount(bounds.upperBound - bounds.lowerBound))
  }

  package var bounds: Range<Int64> { offset.bytes..<(offset.bytes + max(0, length.bytes)) }

  /// First and last byte: `32,768…34,815`.
  public var description: String { "\(offset.exact)…\(ByteCount(max(offset.bytes, bounds.upperBound - 1)).exact)" }

  /// Sorted, with those that touch made one.
  package static func merged(_ ranges: [FlashRange]) -> [FlashRange] {
    var result: [Range<Int64>] = []
    for range in ranges.map(\.bounds).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound {
        result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result.map { FlashRange($0) }
  }
}
