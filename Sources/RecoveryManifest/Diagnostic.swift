// SPDX-License-Identifier: GPL-3.0-or-later

/// One thing that is wrong in a manifest or in a file of the catalogue, with its place and what to do about it.
public struct Diagnostic: Sendable, Hashable, Codable {
  /// Whether it stops the work.
  public enum Severity: String, Sendable, Codable {
    /// The manifest cannot be used.
    case error
    /// The manifest can be used, but it may not say what its author meant.
    case warning
  }

  /// Stable identifiers; they never change their meaning.
  public enum Code: String, Sendable, Codable, CaseIterable {
    /// The text is not TOML.
    case syntax
    /// The text is longer than a manifest can sensibly be.
    case tooLong = "too-long"
    /// The manifest's format is newer than this Lifeboat.
    case unsupportedVersion = "unsupported-version"
    /// A key that does not exist at this place.
    case unknownKey = "unknown-key"
    /// A value of another kind than the key has.
    case wrongType = "wrong-type"
    /// A required key is not there.
    case missingKey = "missing-key"
    /// A value of the right kind that is not allowed.
    case badValue = "bad-value"
    /// A tool that neither the catalogue nor the manifest has.
    case unknownTool = "unknown-tool"
    /// A tool named by an image one of whose architectures cannot have it.
    case toolAbsentOnArchitecture = "tool-absent-on-architecture"
    /// A tool that one image gives two kinds of access.
    case conflictingAccess = "conflicting-access"
    /// Two tools of one id.
    case duplicateTool = "duplicate-tool"
    /// `extends` names an image that does not exist.
    case unknownImage = "unknown-image"
    /// Two images of one name.
    case duplicateImage = "duplicate-image"
    /// Images that extend each other in a circle.
    case extendsCycle = "extends-cycle"
    /// An x86 image on a Debian release that has no kernel for it.
    case noX86Kernel = "no-x86-kernel"
    /// A list that has the same entry twice (warning).
    case duplicateEntry = "duplicate-entry"
    /// An image without any tool (warning).
    case noTools = "no-tools"
    /// An own tool that no image has (warning).
    case unusedTool = "unused-tool"
    /// A file of the catalogue whose `id` is not its name.
    case idMismatch = "id-mismatch"
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

/// Collects the diagnostics of one text.
struct DiagnosticSink {
  let file: String
  private let lines: [Substring]
  private(set) var diagnostics: [Diagnostic] = []
  private var seen: Set<Diagnostic> = []

  init(file: String, text: String) {
    self.file = file
    // Not `isNewline`: TOML and compilers know LF and CRLF alone, and a form feed must not shift the count.
    lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }

  /// Whether a place is behind the last character of its line.
  func isEndOfLine(_ position: SourcePosition) -> Bool {
    guard lines.indices.contains(position.line - 1) else { return true }
    return position.column > lines[position.line - 1].unicodeScalars.count
  }

  /// Whether anything stops the work.
  var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

  mutating func error(_ code: Diagnostic.Code, at position: SourcePosition, _ message: String, remedy: String) {
    add(.error, code, position, message, remedy)
  }

  mutating func warning(_ code: Diagnostic.Code, at position: SourcePosition, _ message: String, remedy: String) {
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
  var sorted: [Diagnostic] {
    let order = diagnostics.enumerated().sorted {
      ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
    }
    return order.map(\.element)
  }
}
