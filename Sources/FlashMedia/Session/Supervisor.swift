// SPDX-License-Identifier: GPL-3.0-or-later
internal import HostSystem
internal import Synchronization
internal import SystemPackage

/// Starts the threads of a session, tells how far they are, ends those that hang, and collects the outcomes.
final class Supervisor: Sendable {
  private let options: FlashSession.Options
  private let progress: FlashProgress.Handler
  private let exchange: Monitor<Exchange>
  private let reading: SourceReading
  private let runs: [TargetRun]

  /// How often the watch is kept.
  private static let interval = 200
  /// What a target's threads get to end by themselves after cancellation: a write that the device has not answered is
  /// left behind then; none begins.
  private static let grace = Duration.seconds(1)

  init(
    _ source: OpenedSource, _ options: FlashSession.Options, _ targets: [any BlockTarget],
    _ progress: @escaping FlashProgress.Handler
  ) {
    self.options = options
    self.progress = progress
    let exchange = Monitor(Exchange(targets: targets.count))
    self.exchange = exchange
    reading = SourceReading(source, exchange)
    runs = targets.enumerated().map { TargetRun($0.offset, $0.element, source, options, exchange) }
  }

  /// Starts everything; the continuation gets the outcomes.
  func start(_ continuation: CheckedContinuation<[FlashOutcome], Never>) {
    do {
      try DedicatedThread.start { [self] in
        launch()
        watch()
        continuation.resume(returning: exchange.read { $0.outcomes.compactMap { $0 } })
      }
    } catch {
      for run in runs { run.end(error) }
      continuation.resume(returning: exchange.read { $0.outcomes.compactMap { $0 } })
    }
  }

  /// Lets nothing begin any more.
  func cancel() {
    for run in runs { run.operations.status.withLock { $0.isCancelled = true } }
    exchange.change { $0.isCancelled = true }
  }

  private func launch() {
    do {
      try DedicatedThread.start { [reading] in reading.run() }
      for run in runs { try DedicatedThread.start { run.run() } }
    } catch {
      cancel()
    }
  }

  private func watch() {
    var rates = runs.map { _ in RateMeter() }
    // Each end is told when it comes: that drive may be taken out while others go on.
    var told = runs.map { _ in false }
    var cancelled: ContinuousClock.Instant?
    while !(exchange.wait(milliseconds: Self.interval) { $0.isOver ? true : nil } ?? false) {
      let now = ContinuousClock.now
      if exchange.read({ $0.isCancelled }) { cancelled = cancelled ?? now }
      for (index, run) in runs.enumerated() where !told[index] {
        told[index] = exchange.read { $0.outcomes[index] != nil }
        report(run, &rates[index], now)
        guard !told[index] else { continue }
        let operations = run.operations.status.withLock { Array($0.operations.values) }
        if Watchdog.isStalled(operations, now: now, limit: options.stallLimit) {
          abandon(run, FlashMediaFailure.stalled(run.target.path, seconds: Int(options.stallLimit / .seconds(1))))
        } else if let cancelled, cancelled.duration(to: now) > Self.grace {
          abandon(run, TargetOperations.Ended())
        }
      }
    }
    for index in runs.indices where !told[index] { report(runs[index], &rates[index], .now) }
  }

  private func abandon(_ run: TargetRun, _ reason: any Error) {
    run.operations.status.withLock { $0.isAbandoned = true }
    run.end(reason)
  }

  private func report(_ run: TargetRun, _ rate: inout RateMeter, _ now: ContinuousClock.Instant) {
    let status = run.operations.status.withLock { $0 }
    let alone = exchange.read { !$0.window.isAttached(run.index) && $0.outcomes[run.index] == nil }
    progress(
      FlashProgress(
        target: run.target.path, phase: status.phase, done: ByteCount(status.done),
        total: status.total.map { ByteCount($0) },
        rate: ByteCount(rate.rate(status.done, phase: status.phase, at: now)), isOnItsOwn: alone))
  }
}

/// Bytes a second over the last three seconds of a phase.
struct RateMeter {
  private var samples: [(time: ContinuousClock.Instant, done: Int64)] = []
  private var phase: FlashProgress.Phase?

  mutating func rate(_ done: Int64, phase: FlashProgress.Phase, at now: ContinuousClock.Instant) -> Int64 {
    if phase != self.phase {
      self.phase = phase
      samples = []
    }
    samples.append((now, done))
    samples.removeAll { $0.time.duration(to: now) > .seconds(3) }
    guard let oldest = samples.first, oldest.time < now else { return 0 }
    return max(0, Int64(Double(done - oldest.done) / (oldest.time.duration(to: now) / .seconds(1))))
  }
}
