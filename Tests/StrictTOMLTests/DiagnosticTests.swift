// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import Testing

@testable import StrictTOML

@Suite("Diagnostics") struct DiagnosticTests {
  private func diagnostic(_ source: String, column: Int, line: Int = 7) -> Diagnostic {
    Diagnostic(
      severity: .error, code: .badValue, file: "f.toml", line: line, column: column, message: "no", remedy: "Do.",
      source: source)
  }

  @Test("looks like a compiler's") func looks() {
    #expect(
      diagnostic("abc = 1", column: 7, line: 12).rendered == """
        f.toml:12:7: error: no
         12 | abc = 1
            |       ^
        Do.
        """)
  }

  @Test("a terminal is safe from the text") func control() {
    let hostile = diagnostic("a = \"\u{1B}[31m\u{202E}x\"\t\u{7}", column: 5).rendered
    #expect(!hostile.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
    #expect(!hostile.unicodeScalars.contains("\u{202E}"))
    #expect(Printable.quoted("http://me:secret@host/x y") == "\"http://*********@host/x y\"")
    let long = "http://me:secret" + String(repeating: "x", count: 60) + "@host"
    #expect(!Printable.quoted(long).contains("secret"))
    #expect(
      Printable.excerpt(of: "mirror = \"http://me:secret@h\"", around: 10).text == "mirror = \"http://*********@h\"")
    #expect(Printable.quoted("a\u{1B}b") == "\"a\u{FFFD}b\"")
    #expect(Printable.quoted(String(repeating: "x", count: 5000)).count == 62)
  }

  @Test("the caret stays below its place in a long line", arguments: [1, 60, 500, 990, 1000, 2000])
  func long(column: Int) {
    let line = String((0..<1000).map { Character(String($0 % 10)) })
    let (text, indent) = Printable.excerpt(of: line, around: column)
    #expect(text.count <= Printable.width + 6)
    #expect(indent.count <= text.count)
    if column <= 1000 { #expect(Array(text)[indent.count] == Array(line)[column - 1]) }
  }

  @Test("survives JSON") func json() throws {
    let one = diagnostic("a = 1", column: 1)
    let data = try JSONEncoder().encode(one)
    #expect(try JSONDecoder().decode(Diagnostic.self, from: data) == one)
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(object["code"] as? String == "bad-value")
  }

  @Test(
    "the nearest word",
    arguments: [
      ("disk-helth", "disk-health"), ("DISK-HEALTH", "disk-health"), ("disk_health", "disk-health"),
      ("loksmith", "locksmith"), ("kyeboard", "keyboard"), ("solitaire", nil), ("x", nil), ("", nil),
    ] as [(String, String?)])
  func nearest(word: String, expected: String?) {
    #expect(NearestWord.of(word, in: ["disk-health", "locksmith", "keyboard", "ab"]) == expected)
  }

  @Test("distance", arguments: [("", "", 0), ("abc", "", 3), ("ab", "ba", 1), ("kitten", "sitting", 3), ("a", "a", 0)])
  func distance(first: String, second: String, expected: Int) {
    #expect(NearestWord.distance(first, second) == expected)
    #expect(NearestWord.distance(second, first) == expected)
  }
}
