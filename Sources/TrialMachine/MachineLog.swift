// SPDX-License-Identifier: GPL-3.0-or-later
internal import Synchronization

/// What a machine's serial port has said, line by line; any number of readers get all of it from the start.
final class MachineLog: Sendable {
  private struct State {
    var lines: [String] = []
    var closed = false
    var readers: [AsyncStream<String>.Continuation] = []
  }

  private let state = Mutex(State())

  func append(_ raw: String) {
    let line = Self.clean(raw)
    state.withLock {
      $0.lines.append(line)
      for reader in $0.readers { reader.yield(line) }
    }
  }

  /// No more lines will come.
  func close() {
    state.withLock {
      $0.closed = true
      for reader in $0.readers { reader.finish() }
    }
  }

  /// All lines so far, and those to come until the machine ends.
  func stream() -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream<String>.makeStream()
    state.withLock {
      for line in $0.lines { continuation.yield(line) }
      if $0.closed { continuation.finish() } else { $0.readers.append(continuation) }
    }
    return stream
  }

  /// For messages.
  var lastLines: [String] { state.withLock { Array($0.lines.suffix(12)) } }

  /// Without the escape sequences by which GRUB and firmware draw on a terminal, and without carriage returns.
  static func clean(_ line: String) -> String {
    String(line.replacing(/\u{1B}\[[0-9;?=]*[A-Za-z]/, with: "").unicodeScalars.filter { $0.value >= 0x20 })
  }
}
