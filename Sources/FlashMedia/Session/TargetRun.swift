// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Synchronization
internal import SystemPackage

/// One target's way from its first write to its outcome, on threads of its own.
///
/// The order keeps a drive that failed, was pulled out or lost power from starting a computer: the first piece, which
/// holds every boot record and partition table, is emptied before anything else is written, and comes back after all
/// the rest has been written, read back and found right.
final class TargetRun: Sendable {
  let index: Int
  let target: any BlockTarget
  let operations: TargetOperations
  let options: FlashSession.Options
  let source: OpenedSource
  let exchange: Monitor<Exchange>
  /// The image as this target reads it by itself, when it has fallen behind or must write a piece again.
  let own: Monitor<(any PieceReader)?>
  let work = Monitor(Work())
  private let began = ContinuousClock.now

  /// What the lanes of a target share.
  struct Work {
    var running = 0
    var failure: (any Error)?
    var isInvalidated = false
    var rewritten: Set<Int> = []
    var bad: [Check] = []
    var cursor = CheckCursor()
    var differing: [FlashRange] = []
    var addition: Addition?
  }

  /// Pieces of one target that are on their way at once. A drive that answers one command at a time gets the next
  /// while the answer to the last one travels.
  static let lanes = 2

  init(
    _ index: Int, _ target: any BlockTarget, _ source: OpenedSource, _ options: FlashSession.Options,
    _ exchange: Monitor<Exchange>
  ) {
    self.index = index
    self.target = target
    self.source = source
    self.options = options
    self.exchange = exchange
    operations = TargetOperations(target)
    own = Monitor(nil)
  }

  /// Works to the end and leaves the outcome in the exchange.
  func run() {
    do {
      try prepare()
      try copy()
      try awaitProof()
      if options.mode == .write || options.mode == .update { try verify() }
      try finish()
      end(nil)
    } catch {
      end(error)
    }
  }

  /// The outcome as things stand; `error` is why it ended.
  func end(_ error: (any Error)?) {
    let failure =
      (error as? FlashMediaFailure.SourceProblem).map { .source(source.image, $0) } ?? error as? FlashMediaFailure
    let outcome = operations.status.withLock { status in
      status.phase = .ended
      return FlashOutcome(
        target: target.path, state: status.state, failure: failure, wasCancelled: error != nil && failure == nil,
        written: ByteCount(status.written),
        skipped: ByteCount(status.skipped), zeroed: ByteCount(status.zeroed),
        seconds: began.duration(to: .now) / .seconds(1), repaired: FlashRange.merged(status.repaired), data: status.data
      )
    }
    exchange.change {
      if $0.outcomes[index] == nil { $0.outcomes[index] = outcome }
      $0.window.leave(index)
    }
  }

  func set(_ phase: FlashProgress.Phase, total: Int64?) {
    operations.status.withLock {
      ($0.phase, $0.done, $0.total) = (phase, 0, total)
    }
  }

  func advance(_ bytes: Int64) { operations.status.withLock { $0.done += bytes } }

  /// Rounds up to what the target takes.
  func padded(_ length: Int64) -> Int64 {
    (length + Int64(target.blockSize) - 1) / Int64(target.blockSize) * Int64(target.blockSize)
  }

  // MARK: Before the image

  /// Refuses what cannot work while the target is untouched; then empties its ends and probes its size.
  private func prepare() throws {
    let head: PieceRecord = try exchange.waitOrEnd { $0.records.first }
    try checkRoom(source.least?.bytes ?? head.piece.range.upperBound)
    try planAddition(head)
    guard options.mode == .write || options.mode == .writeWithoutVerifying else { return }
    operations.status.withLock { $0.state = .incompleteNotBootable }
    // Behind a small image, too, nothing is left that blkid would take for what is on the drive.
    let front = min(target.size, max(padded(head.piece.range.upperBound), Int64(PiecePlan.size)))
    try operations.zero(0..<front)
    // The backup of an old GUID partition table in the last blocks would be taken for the table of this image.
    try operations.zero(max(front, target.size - (1 << 20))..<target.size)
    try operations.flush()
    try probe()
    operations.status.withLock {
      $0.zeroed = 0; $0.written = 0
    }
  }

  private func checkRoom(_ needed: Int64) throws {
    guard needed <= target.size else {
      throw FlashMediaFailure.refused(
        target.path, .tooSmall(size: ByteCount(target.size), needed: source.least == nil ? nil : ByteCount(needed)))
    }
  }

  private func probe() throws {
    let probe = CapacityProbe(target, operations)
    let buffer = AlignedBuffer(count: PiecePlan.size)
    let real: Int64?
    switch options.probe {
    case .none: return
    case .quick: real = try probe.quick(buffer)
    case .full:
      set(.preparing, total: target.size)
      real = try probe.full(buffer) { done in operations.status.withLock { $0.done = done } }
    }
    guard let real else { return }
    throw FlashMediaFailure.falseCapacity(
      target.path, announced: ByteCount(target.size), real: ByteCount(real))
  }

  // MARK: The image

  /// Moves every piece but the first, in two lanes; then what else the target gets.
  private func copy() throws {
    let comparing = options.mode == .update || options.mode == .verifyOnly
    set(comparing ? .comparing : .writing, total: source.moved.map { $0 + (addition?.moved ?? 0) })
    try inLanes { buffers in
      while !self.laneHasFailed, let job = try self.next(buffers.own) {
        defer { self.exchange.change { $0.window.finish(self.index, job.number) } }
        try self.checkRoom(job.record.piece.range.upperBound)
        if comparing {
          try self.compare(job.record, job.number, job.buffer, buffers.other)
        } else {
          try self.write(job.record, job.buffer)
        }
      }
    }
    try copyAddition(comparing: comparing)
    if options.mode != .verifyOnly { try operations.flush() }
  }

  /// A piece that this target takes up.
  struct Job {
    var number: Int
    var record: PieceRecord
    var buffer: AlignedBuffer
  }

  /// The next piece from the window, or, for a target that fell behind, read by itself.
  private func next(_ buffer: AlignedBuffer) throws -> Job? {
    let turn: Turn = try exchange.waitOrEnd { exchange in
      guard exchange.window.isAttached(self.index) else { return .own }
      if let number = exchange.window.take(self.index) {
        return .shared(Job(number: number, record: exchange.records[number], buffer: exchange.place(number)))
      }
      return exchange.isProven ? .done : nil
    }
    switch turn {
    case .shared(let job): return job
    case .done: return nil
    case .own: return try nextByItself(buffer)
    }
  }

  private enum Turn { case shared(Job), own, done }

  private func nextByItself(_ buffer: AlignedBuffer) throws -> Job? {
    try own.change { reader in
      let turn: Turn = try exchange.waitOrEnd { exchange in
        if let number = exchange.window.take(self.index) {
          return .shared(Job(number: number, record: exchange.records[number], buffer: buffer))
        }
        return exchange.isProven ? .done : nil
      }
      guard case .shared(let job) = turn else { return nil }
      try read(job.record, into: buffer, &reader)
      return job
    }
  }

  /// Reads a piece again from the source, and makes sure that it is the same as at first.
  func read(_ record: PieceRecord, into buffer: AlignedBuffer, _ reader: inout (any PieceReader)?) throws {
    guard let checksum = record.checksum else { return }
    do {
      if !record.isOfImage, let addition {
        try addition.read(record, into: buffer)
        return
      }
      let open = try reader ?? source.makeReader()
      reader = open
      let count = try open.read(record.piece.range, into: buffer)
      buffer.clear(count..<buffer.count)
      guard count == Int(record.length), buffer.checksum(count) == checksum else {
        throw FlashMediaFailure.SourceProblem.changed
      }
    } catch let problem as FlashMediaFailure.SourceProblem {
      throw FlashMediaFailure.source(source.image, problem)
    }
  }

  func write(_ record: PieceRecord, _ buffer: AlignedBuffer) throws {
    let range = record.piece.range
    switch record.piece.kind {
    case .zero: try operations.zero(range.lowerBound..<padded(range.upperBound), advanced: advance)
    case .data:
      try operations.write(buffer, 0..<Int(padded(record.length)), at: range.lowerBound)
      advance(record.length)
    }
  }

  /// Waits until the reader has seen the image's end and found it as promised.
  private func awaitProof() throws { let _: Bool = try exchange.waitOrEnd { $0.isProven ? true : nil } }

  // MARK: Lanes

  /// Buffers of one lane: the second is allocated when it is first needed.
  final class LaneBuffers {
    private(set) lazy var own = AlignedBuffer(count: PiecePlan.size)
    private(set) lazy var other = AlignedBuffer(count: PiecePlan.size)
  }

  /// Runs `body` in two threads, this one among them, and waits for both; the first error counts.
  func inLanes(_ body: @escaping @Sendable (LaneBuffers) throws -> Void) throws {
    work.change { $0.running = Self.lanes - 1 }
    for _ in 1..<Self.lanes {
      try DedicatedThread.start { [self] in
        let error = Result { try body(LaneBuffers()) }
        work.change {
          $0.running -= 1
          if case .failure(let error) = error, $0.failure == nil { $0.failure = error }
        }
      }
    }
    do { try body(LaneBuffers()) } catch { work.change { $0.failure = $0.failure ?? error } }
    let result: Result<Void, any Error> = work.wait { work in
      guard work.running == 0 else { return nil }
      return work.failure.map { .failure($0) } ?? .success(())
    }
    try result.get()
  }

  /// Whether the other lane has failed.
  var laneHasFailed: Bool { work.read { $0.failure != nil } }
}

extension Monitor where State == Exchange {
  /// Waits for something, and ends when the image turns out bad or somebody cancels.
  func waitOrEnd<Result>(_ body: (inout Exchange) -> Result?) throws -> Result {
    let result: Swift.Result<Result, any Error> = wait { exchange in
      if exchange.isCancelled { return .failure(TargetOperations.Ended()) }
      if let problem = exchange.problem { return .failure(problem) }
      return body(&exchange).map { .success($0) }
    }
    return try result.get()
  }
}
