// SPDX-License-Identifier: GPL-3.0-or-later

/// What a library tells its caller while it works; the command line renders it, libraries never print.
public enum ProgressEvent: Sendable {
  /// A step begins; `total` is what it will move through, where that is known.
  case started(step: String, total: ByteCount?)
  /// A step has moved on; totals may be corrected on the way.
  case advanced(step: String, done: ByteCount, total: ByteCount?)
  /// A step is done, with what it produced where there is such a figure.
  case finished(step: String, produced: ByteCount?)
  /// A line for the log: what an external program said.
  case detail(step: String, line: String)

  /// Receives events; called from any thread, in order within a step.
  public typealias Handler = @Sendable (ProgressEvent) -> Void
}
