// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Synchronization

/// Shows progress events on standard error: a few lines that are redrawn on a terminal, plain lines elsewhere.
///
/// Everything that goes to standard error goes through it, so that messages and progress lines never mix.
final class ProgressRenderer: Sendable {
  /// Standard error.
  let stream: TextStream
  private let now: @Sendable () -> Duration
  private let state = Mutex(State())

  private struct State {
    var board = ProgressBoard()
    /// Lines on the screen that the next drawing replaces.
    var drawn = 0
    var drawnAt: Duration?
  }

  private static let redrawInterval = Duration.milliseconds(100)
  private static let mostLines = 8

  /// - Parameter now: the time since some fixed moment.
  init(_ stream: TextStream, now: @escaping @Sendable () -> Duration) {
    self.stream = stream
    self.now = now
  }

  /// Takes an event from any thread.
  func handle(_ event: ProgressEvent) {
    let now = now()
    state.withLock { state in
      let lasting = state.board.apply(event, at: now)
      guard stream.isTerminal else {
        if case .started(let step, _) = event { stream.line("\(step): started") }
        for line in [lasting].compactMap({ $0 }) + state.board.report(at: now) { stream.line(StyledText(line)) }
        return
      }
      let isDue = state.drawnAt.map { now - $0 >= Self.redrawInterval } ?? true
      if lasting != nil || isDue { redraw(&state, above: lasting.map { [StyledText($0)] } ?? [], at: now) }
    }
  }

  /// A line, or several, that stay.
  func say(_ text: StyledText) {
    let now = now()
    state.withLock { redraw(&$0, above: [text], at: now) }
  }

  /// Time has passed without an event.
  func tick() {
    let now = now()
    state.withLock { state in
      if stream.isTerminal {
        redraw(&state, above: [], at: now)
      } else {
        for line in state.board.report(at: now) { stream.line(StyledText(line)) }
      }
    }
  }

  /// Takes the progress lines away; a step that never finished leaves a line that says so.
  func clear() {
    let now = now()
    state.withLock { redraw(&$0, above: $0.board.abandon(at: now).map { StyledText($0) }, at: now) }
  }

  /// Gives the cursor back without a look at what is shown, for an end in the middle.
  func restoreTerminal() {
    if stream.isTerminal { stream.send("\u{1B}[?25h") }
  }

  /// One write for erasing, the lines that stay and the lines that will be redrawn, so that nothing flickers.
  private func redraw(_ state: inout State, above lasting: [StyledText], at now: Duration) {
    var text = ""
    if state.drawn > 0 { text += "\u{1B}[\(state.drawn)F\u{1B}[J" }
    text += lasting.map { stream.rendered($0) + "\n" }.joined()
    let lines = stream.isTerminal ? liveLines(state.board, at: now) : []
    text += lines.map { $0 + "\n" }.joined()
    if state.drawn == 0, !lines.isEmpty { text = "\u{1B}[?25l" + text }
    if state.drawn > 0, lines.isEmpty { text += "\u{1B}[?25h" }
    state.drawn = lines.count
    state.drawnAt = lines.isEmpty ? nil : now
    if !text.isEmpty { stream.send(text) }
  }

  private func liveLines(_ board: ProgressBoard, at now: Duration) -> [String] {
    let shown = board.running.prefix(Self.mostLines)
    let layout = ProgressLine(width: stream.width, names: shown.map(\.name))
    var lines = shown.map { layout.text($0, at: now) }
    let hidden = board.running.count - shown.count
    if hidden > 0 { lines.append("and \(hidden) more") }
    return lines
  }
}
