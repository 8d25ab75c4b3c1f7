// SPDX-License-Identifier: GPL-3.0-or-later
internal import SystemPackage

/// A piece that has been read, and what it was.
struct PieceRecord: Sendable {
  var piece: Piece
  /// Of data: how the bytes can be told again.
  var checksum: Checksum?
  /// Whether the image has it; else the target's `Addition`.
  var isOfImage = true
  /// Bytes of the image.
  var length: Int64 { piece.range.upperBound - piece.range.lowerBound }
}

/// What the reader, the writers and their supervisor share, under one `Monitor`.
struct Exchange: Sendable {
  var window: SharedWindow
  var places: [AlignedBuffer]
  /// All pieces that have been read, the first included.
  var records: [PieceRecord] = []
  /// The image's first piece, which goes last.
  var head: AlignedBuffer?
  /// All has been read and is what was promised.
  var isProven = false
  /// Why it is not.
  var problem: FlashMediaFailure.SourceProblem?
  /// Somebody wants it to end.
  var isCancelled = false
  /// How it ended for each target.
  var outcomes: [FlashOutcome?]

  /// Pieces in the window: with 2 MiB each, 32 MiB.
  static let capacity = 16

  init(targets: Int) {
    window = SharedWindow(capacity: Self.capacity, start: 1, members: 0..<targets)
    places = (0..<Self.capacity).map { _ in AlignedBuffer(count: PiecePlan.size) }
    outcomes = Array(repeating: nil, count: targets)
  }

  var isOver: Bool { outcomes.allSatisfy { $0 != nil } }

  /// The buffer that a piece in the window is in.
  func place(_ number: Int) -> AlignedBuffer { places[number % Self.capacity] }

  /// The buffer for the next piece; a new one where a target that fell behind still writes from the old.
  mutating func claim() -> AlignedBuffer {
    let index = window.end % Self.capacity
    if window.nextPlaceIsLent { places[index] = AlignedBuffer(count: PiecePlan.size) }
    return places[index]
  }

  mutating func publish(_ record: PieceRecord) {
    records.append(record)
    window.publish()
  }
}
