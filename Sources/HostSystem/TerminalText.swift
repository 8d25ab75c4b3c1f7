// SPDX-License-Identifier: GPL-3.0-or-later

/// Text from elsewhere (labels, names of files, what programs say) as a terminal may have it.
///
/// Control characters (C0, DEL, C1), format characters (among them those that turn the direction of writing around:
/// U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) and separators of lines become U+FFFD, so that nothing can move the
/// cursor, colour what follows or pretend to be another name.
extension String {
  /// As one line: line ends and tabs are shown as well. For names.
  public var printable: String { printable(keeping: []) }

  /// As a text of several lines, which may have tabs. What is written to a terminal passes here.
  public var printableText: String { printable(keeping: ["\n", "\t"]) }

  /// A JSON document with the same value, in which what could act on a terminal stands escaped (RFC 8259, section 7).
  public var printableJSON: String {
    // A program's JSON has line ends between its tokens; within strings they are escaped already.
    guard unicodeScalars.contains(where: { $0.actsOnTerminal && $0 != "\n" }) else { return self }
    return unicodeScalars.map { scalar in
      guard scalar.actsOnTerminal, scalar != "\n" else { return String(scalar) }
      return String(scalar).utf16.map { unit in
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }.joined()
    }.joined()
  }

  private func printable(keeping kept: Set<Unicode.Scalar>) -> String {
    guard unicodeScalars.contains(where: \.actsOnTerminal) else { return self }
    return String(
      UnicodeScalarView(unicodeScalars.map { $0.actsOnTerminal && !kept.contains($0) ? "\u{FFFD}" : $0 }))
  }
}

extension Unicode.Scalar {
  fileprivate var actsOnTerminal: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
    default: false
    }
  }
}
