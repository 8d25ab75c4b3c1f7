// SPDX-License-Identifier: GPL-3.0-or-later
import FoundationEssentials
import HostSystem
import SystemPackage

/// Where a verb's words go: results to standard output, everything said along the way to standard error.
struct Console: Sendable {
  /// Standard output: what was asked for, and nothing else.
  let results: TextStream
  /// Standard error, shared with the progress lines.
  let progress: ProgressRenderer
  /// The environment of the process.
  let environment: [String: String]

  init(results: TextStream, progress: ProgressRenderer, environment: [String: String]) {
    self.results = results
    self.progress = progress
    self.environment = environment
  }

  /// The console of this process.
  static func standard() -> Console {
    let environment = ProcessInfo.processInfo.environment
    let start = ContinuousClock.now
    return Console(
      results: .standard(.standardOutput, environment: environment),
      progress: ProgressRenderer(.standard(.standardError, environment: environment)) { ContinuousClock.now - start },
      environment: environment)
  }

  /// A line of the result.
  func print(_ line: String) { results.line(StyledText(line)) }
  func print(_ line: StyledText) { results.line(line) }

  /// The result as one JSON document, keys sorted.
  func printJSON(_ value: some Encodable) throws {
    results.send(try StableJSON.text(value).printableJSON + "\n")
  }

  /// A value as one line of JSON, keys sorted.
  func printJSONLine(_ value: some Encodable) throws {
    results.send(try StableJSON.line(value).printableJSON + "\n")
  }

  /// A line for the person, above the progress lines.
  func note(_ line: String) { progress.say(StyledText(line)) }
  func note(_ line: StyledText) { progress.say(line) }

  /// An error for the person, with its remedy on a line of its own.
  func complain(_ error: any Error) {
    progress.say(ErrorReport(error).text)
  }

  /// Shows the progress of what `body` does, and clears it away however it ends.
  func withProgress<Result: Sendable>(
    verbose: Bool = false, _ body: (@escaping ProgressEvent.Handler) async throws -> Result
  ) async throws -> Result {
    let ticker = Task { [progress] in
      // Steps that are silent for long still show that time passes.
      while (try? await Task.sleep(for: .seconds(1))) != nil { progress.tick() }
    }
    defer {
      ticker.cancel()
      progress.clear()
    }
    return try await body { [progress] event in
      if verbose, case .detail(let step, let line) = event { progress.say(StyledText("\(step): \(line)")) }
      progress.handle(event)
    }
  }
}
