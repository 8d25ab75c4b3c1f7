// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem

/// Text for a terminal in which our own styles are kept apart from what the words say.
///
/// The words may come from anywhere and cannot style anything; only `TextStream` turns a style into an escape sequence.
struct StyledText: ExpressibleByStringInterpolation, Sendable {
  fileprivate var spans: [(text: String, style: TextStream.Style?)]

  init(_ text: String, _ style: TextStream.Style? = nil) { spans = [(text, style)] }
  init(stringLiteral value: String) { self.init(value) }

  static func + (left: StyledText, right: StyledText) -> StyledText {
    var sum = left
    sum.spans += right.spans
    return sum
  }
}

extension TextStream {
  /// What is written for a text: harmless words, and the styles where colour is allowed.
  func rendered(_ text: StyledText) -> String {
    text.spans.map { words, style in
      guard hasColour, let style else { return words.printableText }
      return "\u{1B}[\(style.rawValue)m\(words.printableText)\u{1B}[0m"
    }.joined()
  }
}
