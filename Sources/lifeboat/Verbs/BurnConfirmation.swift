// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import OpticalMedia

/// Asks a person to type a drive's model before what is on its disc is lost.
enum BurnConfirmation {
  /// Why blanking did not begin; the disc is as it was.
  enum Refusal: Diagnosable, Equatable {
    /// Nobody is there to be asked.
    case noTerminal
    /// Something else was typed.
    case notTyped(model: String)

    var code: String {
      switch self {
      case .noTerminal: "not-confirmed"
      case .notTyped: "not-confirmed"
      }
    }

    var message: String {
      switch self {
      case .noTerminal: "what is on the disc would be lost, and there is no terminal to ask on"
      case .notTyped(let model): "that is not \"\(model)\": nothing was done"
      }
    }

    var remedy: String? {
      switch self {
      case .noTerminal: "Name the drive and add --yes if that may be."
      case .notTyped: "Type the model as it is shown, or use another disc."
      }
    }

    var exitCode: ExitStatus { .usage }
  }

  /// - Throws: `Refusal`, or `CancellationError` when the person interrupts instead.
  static func ask(_ plan: BurnPlan, on console: Console) async throws {
    guard isatty(STDIN_FILENO) == 1 else { throw Refusal.noTerminal }
    let model = plan.drive.model
    console.note(
      "What is on the \(plan.medium.profile.name) in \(plan.drive.address) will be lost. Type the drive's model, "
        + "\(model), to go on:")
    guard matches(try await line(), model: model) else { throw Refusal.notTyped(model: model) }
  }

  /// Spaces around it are forgiven, nothing else.
  static func matches(_ typed: String, model: String) -> Bool {
    !model.isEmpty
      && String(typed.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()) == model
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
