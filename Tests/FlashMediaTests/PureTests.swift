// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import HostSystem
import SystemPackage
import Testing

@testable import FlashMedia

@Suite struct PureTests {
  @Test func plansHaveNoGapAndBeginWithData() {
    let size: Int64 = (37 << 20) + 5
    let pieces = PiecePlan.pieces(size: size, data: [(5 << 20) + 1..<(7 << 20) + 2, (9 << 20)..<(9 << 20) + 1])
    #expect(pieces.first == Piece(0..<2 << 20, .data))
    var end: Int64 = 0
    for piece in pieces {
      #expect(piece.range.lowerBound == end)
      #expect(piece.range.lowerBound % PiecePlan.grain == 0)
      #expect(piece.kind == .zero || piece.range.count <= PiecePlan.size)
      end = piece.range.upperBound
    }
    #expect(end == size)
    #expect(PiecePlan.pieces(size: 0, data: []).isEmpty)
    #expect(PiecePlan.pieces(size: 10, data: []) == [Piece(0..<10, .data)])
  }

  @Test func theWindowHoldsTheOldestPieceUntilEverybodyHasIt() {
    var window = SharedWindow(capacity: 2, start: 1, members: [0, 1])
    window.publish()
    window.publish()
    #expect(!window.hasRoom)
    #expect(window.take(0) == 1 && window.take(0) == 2 && window.take(0) == nil)
    window.finish(0, 1)
    #expect(window.laggards.isEmpty, "the fast one is still at work")
    window.finish(0, 2)
    #expect(window.take(1) == 1)
    #expect(window.laggards == [1])
    window.detach(1)
    #expect(window.hasRoom && window.nextPlaceIsLent, "the slow one still writes from the first place")
    window.finish(1, 1)
    #expect(!window.nextPlaceIsLent)
    #expect(window.take(1) == 2)
    window.leave(0)
    window.leave(1)
    #expect(window.isDeserted)
  }

  @Test func piecesOfTheLargestFileDoNotOverflow() {
    let end = Int64.max
    let pieces = PiecePlan.pieces(size: end, data: [end - 5..<end])
    #expect(pieces.last == Piece(end / 4096 * 4096..<end, .data) && pieces.count == 3, "\(pieces)")
  }

  @Test func identityNamesTheFieldThatDiffers() {
    let one = DriveIdentity(serial: "A", wwn: nil, model: "M", size: .zero, port: "1-1", sequence: 4)
    var other = one
    #expect(FlashMediaFailure.Refusal(expected: one, found: other) == nil)
    other.sequence = 5
    #expect(
      FlashMediaFailure.Refusal(expected: one, found: other)
        == .otherDevice(field: "sequence number", expected: "4", found: "5"))
  }
}
