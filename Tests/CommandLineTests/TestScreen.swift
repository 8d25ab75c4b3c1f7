// SPDX-License-Identifier: GPL-3.0-or-later
import Synchronization
import SystemPackage

@testable import lifeboat

/// Stands for a standard stream: keeps what is written, and can show it as a terminal would.
final class TestScreen: Sendable {
  let stream: TextStream
  private let pieces: Pieces

  private final class Pieces: Sendable {
    private let storage = Mutex<[String]>([])
    func append(_ text: String) { storage.withLock { $0.append(text) } }
    var all: [String] { storage.withLock { $0 } }
  }

  /// - Parameter failure: what every write fails with.
  init(isTerminal: Bool = false, hasColour: Bool = false, width: Int = 80, failure: Errno? = nil) {
    let pieces = Pieces()
    self.pieces = pieces
    stream = TextStream(isTerminal: isTerminal, hasColour: hasColour, width: { width }) { text in
      if let failure { throw failure }
      pieces.append(text)
    }
  }

  /// Every single write.
  var writes: [String] { pieces.all }
  /// All of it.
  var text: String { pieces.all.joined() }

  /// What a person sees: cursor movement and erasing carried out.
  var screen: [String] { Self.render(text) }

  static func render(_ text: String) -> [String] {
    var lines = [""]
    var row = 0
    var rest = text[...]
    while let character = rest.first {
      rest = rest.dropFirst()
      if character == "\n" {
        row += 1
        if row == lines.count { lines.append("") }
      } else if character == "\u{1B}", rest.first == "[" {
        let body = rest.dropFirst().prefix { !$0.isLetter }
        rest = rest.dropFirst(1 + body.count)
        switch rest.first {
        case "F": row = max(0, row - (Int(body) ?? 1))
        case "J": lines = lines.prefix(row) + [""]
        default: break
        }
        rest = rest.dropFirst()
      } else {
        lines[row].append(character)
      }
    }
    return lines.last == "" ? lines.dropLast() : lines
  }
}

/// A clock that stands still until it is told otherwise.
final class TestClock: Sendable {
  private let time = Mutex(Duration.zero)
  var now: Duration { time.withLock { $0 } }
  func advance(_ duration: Duration) { time.withLock { $0 += duration } }
}
