// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// `init`, `check` and `tools`.
@Suite struct ManifestVerbTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test func initWritesAManifestThatCanBeChecked() async throws {
    let made = try await Repository.lifeboat(["init", "--image", "tier1", "--image", "tier2"], in: folder.path)
    #expect(made.status == 0 && made.output == "rescue.toml\n", "\(made)")
    let checked = try await Repository.lifeboat(["check"], in: folder.path)
    #expect(checked.status == 0, "\(checked)")
    #expect(checked.output.hasPrefix("rescue.toml: 2 images (tier1, tier2), "))
    // Without a menu password the levels hold nothing: it is said.
    #expect(checked.errors.contains("no menu-password for tier1, tier2"), "\(checked)")
    #expect(folder.names == ["rescue.toml"])
    let text = try FileTree.text(of: folder.appending("rescue.toml"))
    try folder.write(
      "protected.toml",
      text.replacing("# [defaults]", with: "[defaults]\nmenu-password = \"grub.pbkdf2.sha512.10000.AB.CD\"")
    )
    let protected = try await Repository.lifeboat(["check", "protected.toml"], in: folder.path)
    #expect(protected.status == 0 && !protected.errors.contains("menu-password"), "\(protected)")
  }

  @Test func initNeverOverwrites() async throws {
    try folder.write("rescue.toml", "precious")
    try FileTree.makeLink(folder.appending("link.toml"), to: "absent")
    for name in ["rescue.toml", "link.toml"] {
      let outcome = try await Repository.lifeboat(["init", name], in: folder.path)
      #expect(outcome.status == 73)
      #expect(outcome.output.isEmpty)
      #expect(
        outcome.errors == """
          lifeboat: error: \(name) already exists; init never overwrites
            Give another file name, or move that file away first.

          """)
    }
    #expect(try FileTree.text(of: folder.appending("rescue.toml")) == "precious")
    #expect(folder.names == ["link.toml", "rescue.toml"])
  }

  @Test func initIntoAMissingFolderNamesIt() async throws {
    let outcome = try await Repository.lifeboat(["init", "absent/rescue.toml"], in: folder.path)
    #expect(outcome.status == 73)
    #expect(outcome.errors.hasPrefix("lifeboat: error: create absent/rescue.toml: No such file or directory\n"))
  }

  @Test func initOnAFullDiskLeavesNothing() async throws {
    let script = """
      mount -t tmpfs -o size=64k tmpfs "$1" && cd "$1" || exit 99
      dd if=/dev/zero of=filler bs=4k 2>/dev/null
      "$0" init; echo $?; ls -A
      """
    let outcome = try await Tool.run(
      "unshare", ["-rm", "sh", "-c", script, try Repository.program("lifeboat").string, folder.path.string])
    #expect(outcome.output == "73\nfiller\n", "\(outcome)")
    #expect(outcome.errors.hasPrefix("lifeboat: error: write rescue.toml: No space left on device\n  Free some space"))
  }

  static let bad = FileTree.names(in: Repository.path("Fixtures/manifests/bad")).filter { $0.hasSuffix(".toml") }
    .map { String($0.dropLast(5)) }

  @Test(arguments: bad)
  func checkSaysEverythingThatIsWrong(name: String) async throws {
    let place = Repository.path("Fixtures/manifests/bad")
    let outcome = try await Repository.lifeboat(["check", name + ".toml"], in: place)
    let isWarned = !outcome.errors.contains(": error: ")
    let expected = try FileTree.text(of: place.appending(name + ".txt"))
    #expect(outcome.status == (isWarned ? 0 : 65))
    #expect(outcome.errors.hasPrefix(expected), "\(outcome)")
    let summary = isWarned ? outcome.output : String(outcome.errors.dropFirst(expected.count))
    #expect(summary.hasPrefix("\(name).toml: "), "\(outcome)")
    #expect(summary.split(separator: "\n").count == 1, "\(outcome)")
    #expect(outcome.output.isEmpty != isWarned)
  }

  @Test func checkIsOneDocumentInJSON() async throws {
    let file = Repository.path("Fixtures/manifests/bad/unknown-key.toml").string
    let outcome = try await Repository.lifeboat(["check", file, "--json"])
    #expect(outcome.status == 65 && outcome.errors.isEmpty)
    let document = try #require(try JSONSerialization.jsonObject(with: Data(outcome.bytes)) as? [String: Any])
    #expect(document["valid"] as? Bool == false)
    #expect(document["file"] as? String == file)
    let diagnostics = try #require(document["diagnostics"] as? [[String: Any]])
    #expect(diagnostics.first?["code"] as? String == "unknown-key")
    #expect(diagnostics.first?["line"] as? Int != nil)
  }

  @Test func checkMissesTheFilesThatABuildWouldMiss() async throws {
    try folder.write("there", "")
    try folder.write(
      "rescue.toml",
      """
      lifeboat = 1
      [[image]]
      name = "tier1"
      files = { "etc/motd" = "there", "etc/issue" = "not-there" }
      hooks = ["no-hook"]
      [image.tools]
      user = ["standard"]
      """)
    let outcome = try await Repository.lifeboat(["check"], in: folder.path)
    #expect(outcome.status == 65)
    #expect(
      outcome.errors == """
        lifeboat: error: open no-hook: No such file or directory
          Check the path.
        lifeboat: error: open not-there: No such file or directory
          Check the path.
        rescue.toml: 2 errors

        """)
    let elsewhere = try await Repository.lifeboat(["check", folder.appending("rescue.toml").string], in: "/")
    #expect(elsewhere.errors.contains("open \(folder.appending("no-hook")): "), "paths are beside the manifest")
  }

  @Test func theSchemaIsJSON() async throws {
    let outcome = try await Repository.lifeboat(["check", "--schema"])
    let schema = try #require(try JSONSerialization.jsonObject(with: Data(outcome.bytes)) as? [String: Any])
    #expect((schema["$schema"] as? String)?.contains("json-schema.org") == true)
    #expect(outcome.status == 0)
  }

  @Test func toolsListsTheCatalogue() async throws {
    let table = try await Repository.lifeboat(["tools"])
    #expect(table.status == 0)
    #expect(table.lines.first?.split(separator: " ").joined(separator: " ") == "TOOL ACCESS RISK X64 X86 DART TITLE")
    let list = try await Repository.lifeboat(["tools", "--json"])
    let tools = try #require(try JSONSerialization.jsonObject(with: Data(list.bytes)) as? [[String: Any]])
    #expect(tools.count == table.lines.count - 1)
    #expect(tools.count >= 40)
  }

  @Test func toolsShowsWhatAnImageGives() async throws {
    let manifest = Repository.path("Fixtures/manifests/rescue.toml").string
    let table = try await Repository.lifeboat(["tools", "--manifest", manifest, "--image", "tier2"])
    let locksmith = try #require(table.lines.first { $0.hasPrefix("locksmith ") })
    #expect(locksmith.split(separator: " ")[1] == "helpdesk")
    #expect(table.lines.contains { $0.hasPrefix("inventory ") }, "the organisation's own tool")
    let unknown = try await Repository.lifeboat(["tools", "--manifest", manifest, "--image", "tier9"])
    #expect(unknown.status == 64)
    #expect(unknown.errors.hasPrefix("lifeboat: error: the manifest has no image \"tier9\"; it has tier1, tier2\n"))
  }
}
