// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Synchronization

extension TargetRun {
  /// What the target gets besides the image.
  var addition: Addition? { work.read { $0.addition } }

  /// Finds out what that is. Nothing has been written yet; what cannot work is refused.
  func planAddition(_ first: PieceRecord) throws {
    guard let request = try request(first) else { return }
    // This thread is the target's own, and may wait for the programs.
    let answer = Monitor<Result<Addition?, any Error>?>(nil)
    Task {
      let result: Result<Addition?, any Error>
      do { result = .success(try await request.addition()) } catch { result = .failure(error) }
      answer.change { $0 = result }
    }
    let addition = try answer.wait { $0 }.get()
    work.change { $0.addition = addition }
    operations.status.withLock { $0.data = addition?.placed }
  }

  private func request(_ first: PieceRecord) throws -> AdditionRequest? {
    let isComparing = options.mode == .verifyOnly
    let ends = isComparing || options.mode == .update ? try readEnds() : nil
    guard ends != nil || options.data != nil && !isComparing, let head = exchange.read({ $0.head }) else { return nil }
    return AdditionRequest(
      device: target.path, size: target.size, blockSize: target.blockSize, image: source.image,
      imageSize: source.size?.bytes, imageHead: head.bytes(0..<Int(min(first.length, AdditionRequest.reach))),
      ends: ends, data: isComparing ? nil : options.data, isComparing: isComparing)
  }

  /// The ends of a drive that may have a data partition to be kept.
  private func readEnds() throws -> AdditionRequest.DriveEnds? {
    guard target.size >= 2 * AdditionRequest.reach else { return nil }
    let buffer = AlignedBuffer(count: Int(AdditionRequest.reach))
    try operations.read(buffer, 0..<buffer.count, at: 0)
    let head = buffer.bytes(0..<buffer.count)
    try operations.read(buffer, 0..<buffer.count, at: target.size - AdditionRequest.reach)
    let ends = AdditionRequest.DriveEnds(head: head, tail: buffer.bytes(0..<buffer.count))
    return ends.mayHaveData ? ends : nil
  }

  /// Moves what lies behind the image, when all of the image has been seen to be right.
  func copyAddition(comparing: Bool) throws {
    guard let addition else { return }
    let first = exchange.read { $0.records.count }
    let queue = Monitor(addition.records.enumerated().map { ($0.offset, $0.element) }[...])
    try inLanes { buffers in
      while !self.laneHasFailed, let (index, record) = queue.change({ $0.popFirst() }) {
        if record.piece.kind == .data { try addition.read(record, into: buffers.own) }
        if comparing {
          try self.compare(record, first + index, buffers.own, buffers.other)
        } else {
          try self.write(record, buffers.own)
        }
      }
    }
  }

  /// Before an update empties the start of a drive whose data partition it keeps, the backup of the table at its end
  /// gets what the new one has: if the update is interrupted, the next one finds the partition there.
  func saveTable(_ addition: Addition) throws {
    guard addition.isKept else { return }
    let buffer = AlignedBuffer(count: PiecePlan.size)
    for record in addition.records {
      try addition.read(record, into: buffer)
      try operations.write(buffer, 0..<Int(padded(record.length)), at: record.piece.range.lowerBound)
    }
    try operations.flush()
  }

  /// The first piece as this target gets it.
  func ownHead(_ head: AlignedBuffer, _ count: Int) -> AlignedBuffer {
    guard let addition else { return head }
    let own = AlignedBuffer(count: head.count)
    own.copy(0..<count, of: head, to: 0)
    own.replace(at: 0, with: addition.head)
    return own
  }
}
