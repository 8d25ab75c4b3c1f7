// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import StrictTOML
import TestSupport
import Testing

@testable import RecoveryManifest

@Suite("The format's description") struct SchemaTests {
  private static let judge = """
    import json, sys, tomllib, datetime, glob, re
    from jsonschema import Draft202012Validator
    schema = json.load(sys.stdin)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    def plain(value):
        if isinstance(value, dict): return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list): return [plain(v) for v in value]
        if isinstance(value, (datetime.date, datetime.time)): return value.isoformat()
        return value
    for name in sys.argv[1:]:
        try: document = plain(tomllib.load(open(name, "rb")))
        except tomllib.TOMLDecodeError: print(name.rsplit("/")[-1], "syntax"); continue
        print(name.rsplit("/")[-1], "valid" if validator.is_valid(document) else "invalid")
    """

  @Test("Python's jsonschema accepts the schema and judges the fixtures as the reader does")
  func jsonSchema() async throws {
    // What only the meaning shows, a schema lets through; and a date in quotes looks like a date in JSON.
    let beyondSchema: Set<Diagnostic.Code> = [
      .unknownTool, .toolAbsentOnArchitecture, .conflictingAccess, .duplicateTool, .unknownImage, .duplicateImage,
      .extendsCycle, .noX86Kernel, .duplicateEntry, .noTools, .unusedTool,
    ]
    let names = ["rescue"] + Fixture.badNames.map { "bad/" + $0 }
    var expected: [String] = []
    for name in names {
      let codes = Set(try Fixture.read(Fixture.text(name + ".toml")).diagnostics.map(\.code))
      let verdict = codes == [.syntax] ? "syntax" : codes.isSubset(of: beyondSchema) ? "valid" : "invalid"
      expected.append("\(name.split(separator: "/").last ?? "").toml \(verdict)")
    }
    let paths = names.map { Fixture.folder.appendingPathComponent($0 + ".toml").path }
    // Debian's own interpreter, because the module is Debian's; another one may stand before it in PATH.
    let answer = try await ExternalCommand("/usr/bin/python3", ["-c", Self.judge] + paths)
      .text(input: Array(ManifestSchema.jsonSchema().utf8))
    #expect(answer.split(separator: "\n").map(String.init) == expected)
  }

  @Test("the schema is JSON and knows every key") func structure() throws {
    let object = try JSONSerialization.jsonObject(with: Data(ManifestSchema.jsonSchema().utf8))
    let schema = try #require(object as? [String: Any])
    #expect(schema["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema["additionalProperties"] as? Bool == false)
    let properties = try #require(schema["properties"] as? [String: Any])
    #expect(Set(properties.keys) == ["lifeboat", "mirror", "defaults", "image", "tool"])
    #expect(schema["required"] as? [String] == ["lifeboat", "image"])
  }

  @Test("every pattern is a regular expression") func patterns() throws {
    let rules = Shape.table(ManifestSchema.manifest).textRules + Shape.table(ManifestSchema.catalogueTool).textRules
    for pattern in rules.compactMap(\.pattern) {
      #expect(pattern.hasPrefix("^") && pattern.hasSuffix("$"), "\(pattern)")
      #expect(throws: Never.self) { _ = try Regex(pattern) }
    }
  }

  @Test("every example is what it is an example of") func examples() throws {
    for key in ManifestSchema.settings where key.name != "menu-password" {
      _ = try Fixture.images("lifeboat = 1\n[[image]]\nname = \"x\"\n\(key.name) = \(key.example)")
      _ = try Fixture.images("lifeboat = 1\n[defaults]\n\(key.name) = \(key.example)\n[[image]]\nname = \"x\"")
    }
    for key in ManifestSchema.tools.keys {
      _ = try Fixture.images(
        "lifeboat = 1\n[[image]]\nname = \"x\"\ntools = { \(key.name) = \(key.example) }\n".replacing(
          "absent = ", with: "user = [\"all\"], absent = "))
    }
  }

  @Test("the reference names every table, key and firmware set") func reference() {
    let text = ManifestSchema.markdownReference()
    for table in [ManifestSchema.defaults, ManifestSchema.image, ManifestSchema.tools, ManifestSchema.ownTool] {
      #expect(text.contains("## `\(table.title)`"))
      for key in table.keys { #expect(text.contains("| `\(key.name)` |"), "\(key.name)") }
    }
    for set in FirmwareSet.allCases { #expect(text.contains("| `\(set.rawValue)` |")) }
    let bars = text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
      row.replacing("\\|", with: "").count { $0 == "|" }
    }
    #expect(Set(bars) == [5], "every row has four cells")
  }

  @Test("the template is a manifest as it stands", arguments: [[], ["tier1"], ["tier1", "tier2", "x-3"]])
  func template(names: [String]) throws {
    let text = ManifestTemplate.text(images: names)
    let images = try Fixture.images(text)
    #expect(images.map(\.name) == (names.isEmpty ? ["rescue"] : names))
    let effective = text.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.allSatisfy(\.isWhitespace) }
    #expect(effective.count == 1 + 2 * images.count)
    #expect(!text.split(separator: "\n").contains { $0.hasSuffix(" ") })
  }

  @Test("every option of the template can be taken up") func options() throws {
    for line in ManifestTemplate.text(images: []).split(separator: "\n") where line.contains(" = ") {
      guard line.hasPrefix("# "), !line.contains("menu-password"), !line.contains("extends") else { continue }
      let option = line.dropFirst(2)
      let homes = [
        "lifeboat = 1\n\(option)\n[[image]]\nname = \"x\"", "lifeboat = 1\n[[image]]\nname = \"x\"\n\(option)",
        "lifeboat = 1\n[[image]]\nname = \"x\"\n[image.tools]\n\(option)",
        "lifeboat = 1\n[[image]]\nname = \"x\"\n[[tool]]\n\(option)",
      ]
      let wrong: Set<Diagnostic.Code> = [.unknownKey, .wrongType, .badValue, .syntax]
      let fits = try homes.contains { try wrong.isDisjoint(with: Fixture.read($0).diagnostics.map(\.code)) }
      #expect(fits, "\(option)")
    }
  }

  @Test(
    "names of images",
    arguments: [("tier1", true), ("1-a", true), ("", false), ("-a", false), ("A", false), ("a_b", false)])
  func names(text: String, valid: Bool) {
    #expect(Image.isName(text) == valid)
    #expect(Image.isName(String(repeating: "a", count: 32)))
    #expect(!Image.isName(String(repeating: "a", count: 33)))
  }

  @Test("docs/manifest.md is the reference of this schema") func document() throws {
    #expect(try Golden.difference(ManifestSchema.markdownReference(), "docs/manifest.md") == nil)
  }
}
