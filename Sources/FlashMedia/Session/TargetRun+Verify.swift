// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Synchronization

/// A stretch that is read back at once: a piece, or a part of a hole.
struct Check: Sendable, Equatable {
  var number: Int
  var range: Range<Int64>
}

/// Where the reading back is. Pure.
struct CheckCursor: Sendable {
  private var number = 1
  private var offset: Int64 = 0

  /// The next stretch of those pieces that are wanted.
  mutating func next(_ records: [PieceRecord], wanted: (Int) -> Bool) -> Check? {
    while number < records.count {
      let range = records[number].piece.range
      let start = max(offset, range.lowerBound)
      guard wanted(number), start < range.upperBound else {
        number += 1
        offset = 0
        continue
      }
      offset = min(range.upperBound, start + Int64(PiecePlan.size))
      return Check(number: number, range: start..<offset)
    }
    return nil
  }
}

extension TargetRun {
  /// Reads back what was written, all but the first piece; writes again, once, what is not right.
  func verify() throws {
    let records = exchange.read { $0.records } + (addition?.records ?? [])
    // What an update found equal has been read from the target already.
    let only = options.mode == .update ? work.read { $0.rewritten } : nil
    let length = records.indices.dropFirst().reduce(Int64(0)) { sum, number in
      sum + (only?.contains(number) ?? true ? records[number].length : 0)
    }
    set(.verifying, total: length)
    work.change {
      $0.cursor = CheckCursor()
      $0.bad = []
    }
    try inLanes { buffers in
      while !self.laneHasFailed,
        let check = self.work.change({ $0.cursor.next(records) { only?.contains($0) ?? true } })
      {
        if try !self.holds(check, records[check.number], buffers.own) { self.work.change { $0.bad.append(check) } }
        self.advance(check.range.upperBound - check.range.lowerBound)
      }
    }
    let bad = work.read { $0.bad.sorted { $0.range.lowerBound < $1.range.lowerBound } }
    if !bad.isEmpty { try repair(bad, records) }
  }

  /// Whether the target has what it should have there, the padding of the last block included.
  private func holds(_ check: Check, _ record: PieceRecord, _ buffer: AlignedBuffer) throws -> Bool {
    let length = Int(check.range.upperBound - check.range.lowerBound)
    let count = Int(padded(Int64(length)))
    try operations.read(buffer, 0..<count, at: check.range.lowerBound)
    guard let checksum = record.checksum else { return buffer.isZero(0..<count) }
    return buffer.checksum(length) == checksum && buffer.isZero(length..<count)
  }

  private func repair(_ bad: [Check], _ records: [PieceRecord]) throws {
    set(.repairing, total: bad.reduce(0) { $0 + $1.range.upperBound - $1.range.lowerBound })
    let (wanted, seen) = (AlignedBuffer(count: PiecePlan.size), AlignedBuffer(count: PiecePlan.size))
    var ranges: [FlashRange] = []
    for check in bad {
      ranges += try differences(check, records[check.number], wanted, seen)
      let count = Int(padded(check.range.upperBound - check.range.lowerBound))
      try operations.write(wanted, 0..<count, at: check.range.lowerBound)
      advance(Int64(count))
    }
    try operations.flush()
    var hopeless: [FlashRange] = []
    for check in bad where try !holds(check, records[check.number], seen) {
      hopeless += try differences(check, records[check.number], wanted, seen)
    }
    guard hopeless.isEmpty else { throw FlashMediaFailure.verify(target.path, FlashRange.merged(hopeless)) }
    operations.status.withLock { $0.repaired += ranges }
  }

  /// Which bytes differ; the whole stretch where the second look shows nothing, for the first one did.
  private func differences(
    _ check: Check, _ record: PieceRecord, _ wanted: AlignedBuffer, _ seen: AlignedBuffer
  ) throws -> [FlashRange] {
    if record.piece.kind == .zero {
      wanted.clear(0..<wanted.count)
    } else {
      try own.change { try read(record, into: wanted, &$0) }
    }
    let count = Int(padded(check.range.upperBound - check.range.lowerBound))
    try operations.read(seen, 0..<count, at: check.range.lowerBound)
    let runs = Difference.runs(wanted, seen, count: count, grain: target.blockSize)
    guard !runs.isEmpty else { return [FlashRange(check.range)] }
    return runs.map { run in
      let start = check.range.lowerBound + Int64(run.lowerBound)
      return FlashRange(start..<start + Int64(run.count))
    }
  }

  /// The first piece, and with it the right to start computers.
  func finish() throws {
    guard let (record, first) = exchange.read({ exchange in exchange.head.map { (exchange.records[0], $0) } }) else {
      return
    }
    set(.finishing, total: record.length)
    let seen = AlignedBuffer(count: PiecePlan.size)
    let count = Int(padded(record.length))
    let head = ownHead(first, count)
    switch options.mode {
    case .verifyOnly:
      try operations.read(seen, 0..<count, at: 0)
      let runs = Difference.runs(head, seen, count: count, grain: target.blockSize)
      let ranges = work.read { $0.differing } + runs.map { FlashRange(Int64($0.lowerBound)..<Int64($0.upperBound)) }
      guard ranges.isEmpty else { throw FlashMediaFailure.differs(target.path, FlashRange.merged(ranges)) }
      operations.status.withLock { $0.state = .complete }
      return
    case .update where !work.read({ $0.isInvalidated }):
      try operations.read(seen, 0..<count, at: 0)
      guard !head.equals(seen, 0..<count) else {
        operations.status.withLock {
          $0.skipped += record.length
          $0.state = .complete
        }
        return
      }
    case .write, .writeWithoutVerifying, .update: break
    }
    try writeHead(head, seen, count)
    target.rereadPartitions()
  }

  private func writeHead(_ head: AlignedBuffer, _ seen: AlignedBuffer, _ count: Int) throws {
    for attempt in 1...2 {
      // From here on it may start a computer, until it is found to be wrong.
      operations.status.withLock { $0.state = .writtenNotVerified }
      try operations.write(head, 0..<count, at: 0)
      try operations.flush()
      guard options.mode != .writeWithoutVerifying else { return }
      try operations.read(seen, 0..<count, at: 0)
      if head.equals(seen, 0..<count) {
        operations.status.withLock { $0.state = .complete }
        return
      }
      let bad = Difference.runs(head, seen, count: count, grain: target.blockSize)
        .map { FlashRange(Int64($0.lowerBound)..<Int64($0.upperBound)) }
      if attempt == 1 {
        operations.status.withLock { $0.repaired += bad }
        continue
      }
      try operations.zero(0..<Int64(count))
      try operations.flush()
      operations.status.withLock {
        $0.state = .incompleteNotBootable
        $0.repaired.removeAll { bad.contains($0) }
      }
      throw FlashMediaFailure.verify(target.path, FlashRange.merged(bad))
    }
  }
}
