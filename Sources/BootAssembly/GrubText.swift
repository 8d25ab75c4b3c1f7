// SPDX-License-Identifier: GPL-3.0-or-later

/// Text of people (titles, kernel arguments) made safe for GRUB's script and theme languages.
package enum GrubText {
  /// One word of a GRUB script that stands for exactly this text: nothing in it is expanded.
  ///
  /// Within single quotes GRUB takes every character as it is, but none can stand for the quote itself, which
  /// therefore goes between them, escaped (GRUB manual, “Quoting”).
  package static func word(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }

  /// The text on one line: control characters and line separators become spaces, which are then joined.
  package static func line(_ text: String) -> String {
    let scalars = text.unicodeScalars.map { scalar -> Character in
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: " "
      default: Character(scalar)
      }
    }
    return String(scalars).split(separator: " ").joined(separator: " ")
  }

  /// At most so many characters, with an ellipsis for what is left out.
  static func shortened(_ text: String, to limit: Int) -> String {
    text.count <= limit ? text : text.prefix(limit - 1) + "…"
  }

  /// A quoted value of a theme file.
  ///
  /// The theme language has no way to write a double quote inside a quoted value (gfxmenu/theme_loader.c,
  /// read_expression), and a value that begins with `@` is a keyword, so both become their look-alikes.
  static func themeValue(_ text: String) -> String {
    var value = line(text).replacing("\"", with: "”")
    if value.hasPrefix("@") { value = "＠" + value.dropFirst() }
    return "\"\(value)\""
  }
}
