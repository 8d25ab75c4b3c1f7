// SPDX-License-Identifier: GPL-3.0-or-later

/// One thing that is wrong in a text, with its place and what to do about it.
public struct Diagnostic: Sendable, Hashable, Codable {
  /// Whether it stops the work.
  public enum Severity: String, Sendable, Codable {
    /// The text cannot be used.
    case error
    /// The text can be used, but it may not say what its author meant.
    case warning
  }

  /// A stable identifier, which never changes its meaning. Each format adds its own.
  public struct Code: RawRepresentable, Sendable, Hashable, Codable {
    /// The identifier: `unknown-key`.
    public let rawValue: String

    /// Wraps an identifier.
    public init(rawValue: String) { self.rawValue = rawValue }
  }

  /// Whether it stops the work.
  public var severity: Severity
  /// Its kind.
  public var code: Code
  /// The file as its reader was told to name it.
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  /// What is wrong.
  public var message: String
  /// One sentence that starts with a verb: what to do about it.
  public var remedy: String
  /// The line of the text that it is about.
  public var source: String

  /// Wraps the values.
  public init(
    severity: Severity, code: Code, file: String, line: Int, column: Int, message: String, remedy: String,
    source: String
  ) {
    self.severity = severity
    self.code = code
    self.file = file
    self.line = line
    self.column = column
    self.message = message
    self.remedy = remedy
    self.source = source
  }
}

extension Diagnostic.Code {
  /// The text is no TOML.
  public static let syntax = Self(rawValue: "syntax")
  /// The text is longer than any file of its kind can sensibly be.
  public static let tooLong = Self(rawValue: "too-long")
  /// The format is newer than this Lifeboat.
  public static let unsupportedVersion = Self(rawValue: "unsupported-version")
  /// A key that does not exist at this place.
  public static let unknownKey = Self(rawValue: "unknown-key")
  /// A value of another kind than the key has.
  public static let wrongType = Self(rawValue: "wrong-type")
  /// A required key is not there.
  public static let missingKey = Self(rawValue: "missing-key")
  /// A value of the right kind that is not allowed.
  public static let badValue = Self(rawValue: "bad-value")

  /// Those that every format has.
  package static let general: Set<Self> = [
    .syntax, .tooLong, .unsupportedVersion, .unknownKey, .wrongType, .missingKey, .badValue,
  ]
}

/// Collects the diagnostics of one text.
package struct DiagnosticSink {
  package let file: String
  private let lines: [Substring]
  package private(set) var diagnostics: [Diagnostic] = []
  private var seen: Set<Diagnostic> = []

  package init(file: String, text: String) {
    self.file = file
    // Not `isNewline`: TOML and compilers know LF and CRLF alone, and a form feed must not shift the count.
    lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }

  /// Whether a place is behind the last character of its line.
  func isEndOfLine(_ position: SourcePosition) -> Bool {
    guard lines.indices.contains(position.line - 1) else { return true }
    return position.column > lines[position.line - 1].unicodeScalars.count
  }

  /// Whether something at a place stops the work.
  package func hasError(at position: SourcePosition) -> Bool {
    diagnostics.contains { $0.severity == .error && ($0.line, $0.column) == (position.line, position.column) }
  }

  /// Whether anything stops the work.
  package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

  package mutating func error(
    _ code: Diagnostic.Code, at position: SourcePosition, _ message: String, remedy: String
  ) {
    add(.error, code, position, message, remedy)
  }

  package mutating func warning(
    _ code: Diagnostic.Code, at position: SourcePosition, _ message: String, remedy: String
  ) {
    add(.warning, code, position, message, remedy)
  }

  private mutating func add(
    _ severity: Diagnostic.Severity, _ code: Diagnostic.Code, _ position: SourcePosition, _ message: String,
    _ remedy: String
  ) {
    let source = lines.indices.contains(position.line - 1) ? String(lines[position.line - 1]) : ""
    let new = Diagnostic(
      severity: severity, code: code, file: file, line: position.line, column: position.column, message: message,
      remedy: remedy, source: source)
    if seen.insert(new).inserted { diagnostics.append(new) }
  }

  /// All of them in the order of the text.
  package var sorted: [Diagnostic] {
    let order = diagnostics.enumerated().sorted {
      ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
    }
    return order.map(\.element)
  }
}
