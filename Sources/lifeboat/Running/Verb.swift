// SPDX-License-Identifier: GPL-3.0-or-later
import ArgumentParser
import HostSystem

/// One verb of the command: reads its arguments, calls a library, prints what it returns.
protocol Verb: AsyncParsableCommand, Sendable {
  /// What a person finds after an interruption, as a sentence.
  static var stateAfterInterruption: String { get }

  /// Does the work.
  /// - Returns: `success`, or what the results amount to (`partial`, `notAsPromised`).
  /// - Throws: what stopped it; the caller renders it and ends with its exit status.
  func run(on console: Console) async throws -> ExitStatus
}

extension Verb {
  static var stateAfterInterruption: String { "Nothing was changed." }

  /// The library's own entry, which is not used: `CommandLineRun` calls `run(on:)`.
  func run() async throws { throw ExitCode(try await run(on: .standard()).rawValue) }
}
