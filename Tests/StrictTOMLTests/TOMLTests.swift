// SPDX-License-Identifier: GPL-3.0-or-later
import Testing

@testable import StrictTOML

@Suite("TOML, through the C shim") struct TOMLTests {
  private func parse(_ text: String) throws -> TOMLNode { try TOMLDocument(parsing: Array(text.utf8)).root() }

  @Test("every kind of value arrives") func kinds() throws {
    let root = try parse(
      "s = \"é\"\ni = -9223372036854775808\nf = 1.5\nb = true\nd = 2027-06-30\nt = 10:20:30\nm = 2027-06-30T10:20:30Z\na = [1]"
    )
    let kinds = root.entries.map { "\($0.key): \($0.node.kindName)" }
    #expect(
      kinds == [
        "s: text", "i: a whole number", "f: a fraction", "b: true or false", "d: a date", "t: a time",
        "m: a date with a time", "a: a list",
      ])
    #expect(root["s"]?.string == "é")
    #expect(root["i"]?.integer == .min)
    #expect(root["b"]?.boolean == true)
    #expect(root["d"]?.date == "2027-06-30")
  }

  @Test("keys keep the order of the text, with their places") func positions() throws {
    let root = try parse("z = 1\na = \"é\"  \n[[image]]\n\"k\" = 2\n[image.tools]\nuser = [ \"x\",\n  \"y\"]\n")
    #expect(root.entries.map(\.key) == ["z", "a", "image"])
    let image = try #require(root["image"]?.items.first)
    #expect(image.position == SourcePosition(line: 3, column: 1))
    #expect(image.entries.first?.keyPosition == SourcePosition(line: 4, column: 1))
    #expect(image["tools"]?["user"]?.strings.last?.position == SourcePosition(line: 7, column: 3))
  }

  @Test("columns count scalars, not bytes") func columns() throws {
    let root = try parse("a = { \"éé\" = 1, b = 2 }")
    #expect(root["a"]?.entries.last?.keyPosition == SourcePosition(line: 1, column: 17))
  }

  @Test(
    "what is not TOML has a place",
    arguments: [
      ("a = 1\na = 2\n", 2), ("a = [1,", 1), ("a = \"x\n", 1), ("a = 2027-02-30\n", 1), ("\n\n= 1", 3),
      ("a = \"\0\"", 1),
    ])
  func syntax(text: String, line: Int) throws {
    let error = try #require(throws: TOMLDocument.SyntaxError.self) { try parse(text) }
    #expect(error.position.line == line)
    #expect(!error.message.isEmpty)
  }

  @Test("invalid UTF-8 is an error") func utf8() {
    #expect(throws: TOMLDocument.SyntaxError.self) {
      _ = try TOMLDocument(parsing: Array("a = \"".utf8) + [0xFF, 0x22])
    }
  }

  @Test("an empty text is an empty table", arguments: ["", "\u{FEFF}", "# only a comment", "\r\n"])
  func empty(text: String) throws { #expect(try parse(text).entries.isEmpty) }

  @Test("no nesting reaches the end of the stack") func depth() throws {
    let deep = String(repeating: "a.", count: 200_000) + "a = 1"
    #expect(throws: TOMLDocument.SyntaxError.self) { try parse(deep) }
    #expect(throws: TOMLDocument.SyntaxError.self) { try parse("a = " + String(repeating: "[", count: 100_000)) }
    // The deepest that is let in: dots up to the limit, within values up to theirs.
    let dotted = String(repeating: "a.", count: 250) + "a"
    let levels = 15
    let text =
      "[\(dotted)]\n\(dotted) = \n".replacing(" = \n", with: " = ")
      + String(repeating: "[\n{ \(dotted) = ", count: levels) + "1" + String(repeating: " }]", count: levels)
    #expect(try !parse(text).entries.isEmpty)
  }
}
