// SPDX-License-Identifier: GPL-3.0-or-later

extension TOMLNode {
  /// Parses a text, reporting why it cannot.
  package static func parse(_ bytes: [UInt8], as noun: String, into sink: inout DiagnosticSink) -> TOMLNode? {
    guard bytes.count <= TextFormat.longest else {
      sink.error(
        .tooLong, at: .start, "the file has \(bytes.count) bytes; a \(noun) has at most \(TextFormat.longest)",
        remedy: "Check that this is the right file.")
      return nil
    }
    do {
      return try TOMLDocument(parsing: bytes).root()
    } catch {
      let open = error.message.contains("unescaped control characters") && sink.isEndOfLine(error.position)
      let why = open ? "the text is not closed at the end of its line" : inPlainWords(error.message)
      sink.error(
        .syntax, at: error.position, "not valid TOML: \(Printable.text(why))",
        remedy: open ? "Write the missing quote." : "Correct this first; what follows has not been read yet.")
      return nil
    }
  }

  /// toml++ begins every message with its own stage, which tells a reader nothing.
  private static func inPlainWords(_ message: String) -> String {
    guard message.hasPrefix("Error while parsing "), let colon = message.firstRange(of: ": ") else { return message }
    let stage = message[..<colon.lowerBound].dropFirst("Error while parsing ".count)
    return "\(message[colon.upperBound...]) (in a \(stage))"
  }
}
