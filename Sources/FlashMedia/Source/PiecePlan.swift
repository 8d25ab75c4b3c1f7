// SPDX-License-Identifier: GPL-3.0-or-later

/// A part of the image that is moved, and proven, as a whole.
package struct Piece: Hashable, Sendable {
  /// Where it lies, in the image as on the target.
  package var range: Range<Int64>
  /// What has to be there.
  package var kind: Kind

  package init(_ range: Range<Int64>, _ kind: Kind) {
    self.range = range
    self.kind = kind
  }

  /// What a piece is made of.
  package enum Kind: Hashable, Sendable {
    /// Bytes of the source; at most `PiecePlan.size` of them.
    case data
    /// Zeros, any number: a hole of the image.
    case zero
  }
}

/// How an image is cut into pieces. Pure: takes what the image has, returns what is done.
///
/// ```
///   image   |MBR,GPT......data......|   hole   |..data..|hole|
///   pieces  | 0 | 1 | 2 | 3 |   4 (zeros)      | 5 | 6  | 7  |
///             └ written last: without it no firmware starts from the drive
/// ```
package enum PiecePlan {
  /// The bytes of a piece: enough for a drive's best rate, few enough that what is under way when somebody presses
  /// Ctrl-C is written within a second by any drive above 2 MB/s.
  package static let size = 2 << 20
  /// Pieces begin at multiples of this: whole logical blocks on any drive, whole pages of any file.
  package static let grain: Int64 = 4096
  /// A hole shorter than this is not worth a command of its own: its zeros are written.
  static let shortestHole: Int64 = 256 << 10

  /// Pieces of an image whose data is known, in order, without a gap; the first is always data.
  /// - Parameter data: what is not zero, ascending and apart from each other; may be cut at any byte.
  package static func pieces(size total: Int64, data: [Range<Int64>]) -> [Piece] {
    guard total > 0 else { return [] }
    var pieces: [Piece] = []
    for stretch in stretches(size: total, data: data) {
      guard stretch.kind == .data else {
        pieces.append(stretch)
        continue
      }
      var start = stretch.range.lowerBound
      while start < stretch.range.upperBound {
        // Cut at multiples of the piece's size, so that pieces of two versions of an image lie alike.
        let length = min(stretch.range.upperBound - start, Int64(size) - start % Int64(size))
        let next = start + length
        pieces.append(Piece(start..<next, .data))
        start = next
      }
    }
    return pieces
  }

  /// Pieces of an image of which only data and some ranges of zeros are moved, in order; between them there are gaps.
  package static func pieces(size total: Int64, data: [Range<Int64>], zeroing wiped: [Range<Int64>]) -> [Piece] {
    pieces(size: total, data: data).flatMap { piece in
      guard piece.kind == .zero else { return [piece] }
      return wiped.map { piece.range.clamped(to: $0) }.filter { !$0.isEmpty }.map { Piece($0, .zero) }
    }
  }

  /// Data and holes in turn; the data grown to whole grains, short holes filled up.
  static func stretches(size total: Int64, data: [Range<Int64>]) -> [Piece] {
    var merged: [Range<Int64>] = [0..<min(total, Int64(size))]
    for range in data where !range.isEmpty && range.lowerBound < total {
      let end = range.upperBound > total - grain ? total : (range.upperBound + grain - 1) / grain * grain
      let grown = (range.lowerBound / grain * grain)..<end
      let last = merged[merged.count - 1]
      if grown.lowerBound - last.upperBound < shortestHole {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, grown.upperBound)
      } else {
        merged.append(grown)
      }
    }
    var result: [Piece] = []
    var position: Int64 = 0
    for range in merged {
      if range.lowerBound > position { result.append(Piece(position..<range.lowerBound, .zero)) }
      result.append(Piece(range, .data))
      position = range.upperBound
    }
    if position < total { result.append(Piece(position..<total, .zero)) }
    return result
  }
}
