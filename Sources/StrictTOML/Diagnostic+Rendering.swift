// SPDX-License-Identifier: GPL-3.0-or-later

extension Diagnostic {
  /// As compilers write it:
  ///
  ///     rescue.toml:7:1: error: unknown key "architecture" in [[image]]
  ///      7 | architecture = ["x64"]
  ///        | ^
  ///     Write "architectures" instead.
  ///
  /// What the file contributes is made harmless for a terminal: control characters come out as U+FFFD.
  public var rendered: String {
    let head = "\(Printable.text(file)):\(line):\(column): \(severity.rawValue): \(message)"
    let number = String(line)
    let gutter = String(repeating: " ", count: number.count)
    let (excerpt, indent) = Printable.excerpt(of: source, around: column)
    return """
      \(head)
       \(number) | \(excerpt)
       \(gutter) | \(indent)^
      \(remedy)
      """
  }

  /// Many, with an empty line between them.
  public static func render(_ diagnostics: [Diagnostic]) -> String {
    diagnostics.map(\.rendered).joined(separator: "\n\n")
  }
}

/// Makes a stranger's text safe and short enough to be shown.
package enum Printable {
  /// Longest excerpt of a source line, in scalars.
  static let width = 110

  /// The text with control characters, and those that turn the writing direction, replaced.
  package static func text(_ text: some StringProtocol) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { shown.append(isHarmless(scalar) ? scalar : "\u{FFFD}") }
    return String(shown)
  }

  /// The text with the names and passwords of URLs made unreadable, as long as before.
  static func masked(_ text: String) -> String {
    text.replacing(/:\/\/([^\s\/'"]*)@/) { "://" + String(repeating: "*", count: $0.1.unicodeScalars.count) + "@" }
  }

  /// The text in double quotes, at most 60 scalars of it.
  package static func quoted(_ text: String) -> String {
    let scalars = masked(text).unicodeScalars
    guard scalars.count > 60 else { return "\"\(self.text(masked(text)))\"" }
    return "\"\(self.text(String(String.UnicodeScalarView(scalars.prefix(57)))))...\""
  }

  /// The part of a line around a column (from 1), and the white space that puts a caret below that column.
  static func excerpt(of line: String, around column: Int) -> (text: String, indent: String) {
    let scalars = Array(masked(line).unicodeScalars)
    let caret = min(max(column - 1, 0), scalars.count)
    let start = scalars.count > width ? max(0, min(caret - width / 2, scalars.count - width)) : 0
    let end = min(scalars.count, start + width)
    func string(_ part: some Sequence<Unicode.Scalar>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: part)
      return String(view)
    }
    let shown = text(string(scalars[start..<end].map { $0 == "\t" ? " " : $0 }))
    let lead = start > 0 ? "..." : ""
    let indent = String(repeating: " ", count: lead.count + caret - start)
    return (lead + shown + (end < scalars.count ? "..." : ""), indent)
  }

  private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
    case .format: !(0x202A...0x202E).contains(scalar.value) && !(0x2066...0x2069).contains(scalar.value)
    default: true
    }
  }
}
