// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
@preconcurrency import Glibc
import HostSystem

/// Asks a person to type what names a drive before what it holds is lost.
enum Confirmation {
  /// Why it did not begin; the drive is as it was.
  enum Refusal: Diagnosable, Equatable {
    /// Nobody is there to be asked.
    case noTerminal
    /// Something else was typed.
    case notTyped(expected: String)

    var code: String { "not-confirmed" }

    var message: String {
      switch self {
      case .noTerminal: "everything on it would be lost, and there is no terminal to ask on"
      case .notTyped(let expected): "that is not \"\(expected)\": nothing was done"
      }
    }

    var remedy: String? {
      switch self {
      case .noTerminal: "Name the drive by its identity and add --yes if you accept that."
      case .notTyped: "Type it exactly as shown, or choose another drive."
      }
    }

    var kind: FailureKind { .badRequest }
  }

  /// Asks for a drive's model or serial number.
  /// - Throws: `Refusal`, or `CancellationError` when the person interrupts instead.
  static func ask(for drive: Drive, on console: Console) async throws {
    let names = drive.confirmations
    let kind = names.count > 1 ? "serial number or model" : "name"
    try await ask(
      "Type the \(kind) of \(drive.path), \(names.joined(separator: " or ")), to go on:",
      expected: names[0], on: console
    ) { drive.matches(confirmation: $0) }
  }

  /// Asks for a word.
  /// - Throws: `Refusal`, or `CancellationError` when the person interrupts instead.
  static func ask(
    _ question: String, expected: String, on console: Console, matches: (String) -> Bool
  ) async throws {
    guard isatty(STDIN_FILENO) == 1 else { throw Refusal.noTerminal }
    console.note(question)
    guard matches(try await line()) else { throw Refusal.notTyped(expected: expected) }
  }

  /// Spaces around it are forgiven, nothing else.
  static func matches(_ typed: String, _ expected: String) -> Bool {
    !expected.isEmpty
      && String(typed.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()) == expected
  }

  /// A line from the terminal, without keeping a thread: an interruption ends the wait.
  private static func line() async throws -> String {
    var bytes: [UInt8] = []
    while true {
      try Task.checkCancellation()
      var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      guard poll(&descriptor, 1, 0) > 0 else {
        try await Task.sleep(for: .milliseconds(100))
        continue
      }
      var byte: UInt8 = 0
      guard read(STDIN_FILENO, &byte, 1) == 1, byte != 0x0A else { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
  }
}
