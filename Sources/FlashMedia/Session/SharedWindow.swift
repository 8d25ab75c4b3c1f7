// SPDX-License-Identifier: GPL-3.0-or-later

/// Who has taken which piece: the book-keeping of one reader before many writers. Pure; `Exchange` holds the buffers.
///
/// ```
///            first            end
///   ...gone...|p|p|p|p|p|p|p|p|...not read yet...       at most `capacity` pieces are kept
///              ↑ slow     ↑ fast
/// ```
///
/// The reader goes on when the oldest piece is free. When the window is full and a fast member has nothing left to
/// do, those that hold the oldest piece are detached: from then on they read the image themselves, from where they
/// are, and hold nobody.
package struct SharedWindow: Sendable {
  /// The most pieces that are kept.
  package let capacity: Int
  /// The oldest piece that is kept.
  package private(set) var first: Int
  /// One past the newest piece that was read.
  package private(set) var end: Int
  private var members: [Int: Member] = [:]
  private var lingering: [Int: Int] = [:]

  private struct Member {
    var next: Int
    var inFlight: Set<Int> = []
    var isAttached = true
    var oldest: Int { min(next, inFlight.min() ?? next) }
  }

  /// A window with nothing read yet.
  /// - Parameter start: the number of the first piece that goes through it.
  package init(capacity: Int, start: Int, members ids: some Sequence<Int>) {
    self.capacity = capacity
    first = start
    end = start
    for id in ids { members[id] = Member(next: start) }
  }

  /// Whether the reader may put one more piece in.
  package var hasRoom: Bool { end - first < capacity }
  /// Whether anybody is left who wants pieces.
  package var isDeserted: Bool { members.isEmpty }
  /// Whether a member still takes from the window.
  package func isAttached(_ id: Int) -> Bool { members[id]?.isAttached ?? false }

  /// Whether somebody who was detached is still writing from the buffer that the next piece would go into.
  package var nextPlaceIsLent: Bool { lingering[end - capacity, default: 0] > 0 }

  /// The reader has put a piece in.
  package mutating func publish() {
    end += 1
    advance()
  }

  /// A member takes its next piece, if that has been read.
  package mutating func take(_ id: Int) -> Int? {
    guard let next = members[id]?.next, next < end else { return nil }
    members[id]?.next = next + 1
    if members[id]?.isAttached == true { members[id]?.inFlight.insert(next) }
    return next
  }

  /// A member is done with a piece that it took while it was attached.
  package mutating func finish(_ id: Int, _ number: Int) {
    guard members[id]?.inFlight.remove(number) != nil else { return }
    if members[id]?.isAttached == false { release(number) }
    advance()
  }

  /// Those that hold the oldest piece while a full window leaves somebody without work.
  package var laggards: [Int] {
    guard !hasRoom, members.values.contains(where: { $0.isAttached && $0.next == end && $0.inFlight.isEmpty }) else {
      return []
    }
    return members.filter { $0.value.isAttached && $0.value.oldest == first }.map(\.key).sorted()
  }

  /// Lets a member go on by itself.
  package mutating func detach(_ id: Int) {
    guard let member = members[id], member.isAttached else { return }
    members[id]?.isAttached = false
    for number in member.inFlight { lingering[number, default: 0] += 1 }
    advance()
  }

  /// Forgets a member that failed or hangs; what it has in flight stays lent for good.
  package mutating func leave(_ id: Int) {
    detach(id)
    members[id] = nil
    advance()
  }

  private mutating func release(_ number: Int) {
    lingering[number, default: 1] -= 1
    if lingering[number] == 0 { lingering[number] = nil }
  }

  private mutating func advance() {
    first = members.values.filter(\.isAttached).map(\.oldest).min() ?? end
  }
}
