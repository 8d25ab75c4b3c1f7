// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Synchronization

/// Where two buffers differ, in blocks of 4 KiB; blocks between two differences that are not worth a command of their
/// own are counted in. Pure but for the memory that it looks at.
enum Difference {
  static let block = 4096
  static let shortestGap = 16 << 10

  static func runs(_ one: AlignedBuffer, _ other: AlignedBuffer, count: Int, grain: Int = block) -> [Range<Int>] {
    guard !one.equals(other, 0..<count) else { return [] }
    var runs: [Range<Int>] = []
    for start in stride(from: 0, to: count, by: grain) {
      let range = start..<min(count, start + grain)
      guard !one.equals(other, range) else { continue }
      if let last = runs.last, start - last.upperBound <= shortestGap {
        runs[runs.count - 1] = last.lowerBound..<range.upperBound
      } else {
        runs.append(range)
      }
    }
    return runs
  }
}

extension TargetRun {
  /// Looks whether a piece is on the target already; what differs is written (update) or noted (verify only).
  func compare(_ record: PieceRecord, _ number: Int, _ buffer: AlignedBuffer, _ seen: AlignedBuffer) throws {
    let range = record.piece.range
    guard record.piece.kind == .zero else {
      let count = Int(padded(record.length))
      try operations.read(seen, 0..<count, at: range.lowerBound)
      for run in Difference.runs(buffer, seen, count: count) {
        let place = range.lowerBound + Int64(run.lowerBound)
        if try note(number, place..<place + Int64(run.count)) {
          try operations.write(buffer, run, at: place)
        }
        skip(-Int64(run.count))
      }
      skip(Int64(count))
      advance(record.length)
      return
    }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: seen.count) {
      let part = start..<min(padded(range.upperBound), start + Int64(seen.count))
      let count = Int(part.upperBound - part.lowerBound)
      try operations.read(seen, 0..<count, at: start)
      if seen.isZero(0..<count) {
        skip(Int64(count))
      } else if try note(number, part) {
        try operations.zero(part)
      }
      advance(Int64(count))
    }
  }

  private func skip(_ bytes: Int64) { operations.status.withLock { $0.skipped += bytes } }

  /// Notes a difference; returns whether it shall be written. Before the first write, the target stops being bootable.
  private func note(_ number: Int, _ range: Range<Int64>) throws -> Bool {
    guard options.mode == .update else {
      work.change { $0.differing.append(FlashRange(range)) }
      return false
    }
    try work.change { work in
      work.rewritten.insert(number)
      guard !work.isInvalidated else { return }
      let head = try exchange.waitOrEnd { $0.records.first }
      operations.status.withLock { $0.state = .incompleteNotBootable }
      if let addition = work.addition { try saveTable(addition) }
      try operations.zero(0..<padded(head.piece.range.upperBound))
      try operations.flush()
      work.isInvalidated = true
    }
    return true
  }
}
