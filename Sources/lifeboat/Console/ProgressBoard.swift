// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem

/// The steps that are running, and how fast; pure, so that a test can say what time it is.
struct ProgressBoard {
  /// A step between its start and its end.
  struct Step {
    var name: String
    var total: ByteCount?
    var done = ByteCount.zero
    var started: Duration
    /// What an external program said last.
    var detail: String?
    /// When a plain line was last due.
    fileprivate var reported: Duration
    /// What was done at moments of the last few seconds, oldest first.
    fileprivate var samples: [(at: Duration, done: ByteCount)] = []
  }

  /// In the order of their start.
  private(set) var running: [Step] = []
  /// Long steps are reported this often where nothing can be redrawn.
  static let reportInterval = Duration.seconds(10)
  private static let window = Duration.seconds(5)

  /// Takes an event in; returns the line that stays, if the event ends a step.
  mutating func apply(_ event: ProgressEvent, at now: Duration) -> String? {
    switch event {
    case .started(let name, let total):
      running.removeAll { $0.name == name }
      running.append(Step(name: name, total: total, started: now, reported: now))
    case .advanced(let name, let done, let total):
      update(name, now) { $0.advance(to: done, of: total, at: now, window: Self.window) }
    case .detail(let name, let line):
      update(name, now) { $0.detail = line }
    case .finished(let name, let produced):
      let step = running.first { $0.name == name }
      running.removeAll { $0.name == name }
      let size = produced.map { ", \($0)" } ?? ""
      return "\(name): done in \((now - (step?.started ?? now)).forPeople)\(size)"
    }
    return nil
  }

  /// The lines that are due where nothing can be redrawn: one for each step that said nothing for long.
  mutating func report(at now: Duration) -> [String] {
    var lines: [String] = []
    for index in running.indices where now - running[index].reported >= Self.reportInterval {
      running[index].reported = now
      let step = running[index]
      let figures = step.figures(at: now).map(\.text).joined(separator: ", ")
      lines.append("\(step.name): \(figures)")
    }
    return lines
  }

  /// Ends every step that never ended, with a line for each.
  mutating func abandon(at now: Duration) -> [String] {
    defer { running = [] }
    return running.map { "\($0.name): not finished after \((now - $0.started).forPeople)" }
  }

  /// A step may be heard of first in the middle; then it starts there.
  private mutating func update(_ name: String, _ now: Duration, _ change: (inout Step) -> Void) {
    if let index = running.firstIndex(where: { $0.name == name }) {
      change(&running[index])
    } else {
      var step = Step(name: name, started: now, reported: now)
      change(&step)
      running.append(step)
    }
  }
}

extension ProgressBoard.Step {
  /// A figure about a step, and how much it would be missed on a narrow terminal (0: first to go).
  struct Figure: Equatable {
    var text: String
    var weight: Int
  }

  /// Between 0 and 1, where the total is known.
  var fraction: Double? {
    guard let total, total > .zero else { return nil }
    return min(1, max(0, Double(done.bytes) / Double(total.bytes)))
  }

  /// Bytes in a second, over the last few; nil while there is too little to tell.
  var rate: Double? {
    guard let first = samples.first, let last = samples.last else { return nil }
    let seconds = (last.at - first.at).inSeconds
    return seconds >= 0.5 ? max(0, Double(last.done.bytes - first.done.bytes) / seconds) : nil
  }

  private static let longestFigure = 16

  /// Share, amount, rate and the time that is left, or as much of it as is known.
  func figures(at now: Duration) -> [Figure] {
    var figures: [Figure] = []
    if let fraction { figures.append(Figure(text: "\(Int(fraction * 100)) %", weight: 3)) }
    if done > .zero {
      let amount = total.map { "\(done) of \($0)" } ?? "\(done)"
      figures.append(Figure(text: amount, weight: 1))
    }
    // What says so little has a place beside the bar: how full a recorder's buffer is.
    if fraction != nil, let detail, (1...Self.longestFigure).contains(detail.count) {
      figures.append(Figure(text: detail, weight: 0))
    }
    if let rate, rate >= 1 {
      figures.append(Figure(text: "\(ByteCount(Int64(rate)))/s", weight: 0))
      if let total, total > done {
        let left = Duration.seconds((Double(total.bytes - done.bytes) / rate).rounded(.up))
        figures.append(Figure(text: "\(left.forPeople) left", weight: 2))
        return figures
      }
    }
    figures.append(Figure(text: (now - started).forPeople, weight: 2))
    return figures
  }

  fileprivate mutating func advance(to done: ByteCount, of total: ByteCount?, at now: Duration, window: Duration) {
    if samples.isEmpty { samples.append((started, .zero)) }
    self.done = done
    self.total = total ?? self.total
    samples.append((now, done))
    // One sample from before the window stays, so that the rate always spans it.
    while samples.count > 2, now - samples[1].at >= window { samples.removeFirst() }
  }
}
