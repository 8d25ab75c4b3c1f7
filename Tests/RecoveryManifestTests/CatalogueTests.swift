// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import StrictTOML
import Testing

@testable import RecoveryManifest

@Suite("The catalogue") struct CatalogueTests {
  private let tools: [Tool]

  init() throws { tools = try Catalogue.builtIn().tools }

  @Test("is large, and unique in its ids and titles") func unique() {
    #expect(tools.count >= 45)
    #expect(Set(tools.map(\.id)).count == tools.count)
    #expect(Set(tools.map { $0.title.lowercased() }).count == tools.count)
  }

  @Test("answers every DaRT tool that Linux can answer") func dart() {
    let answered = Set(tools.compactMap(\.dart))
    #expect(answered == Set(ManifestSchema.dartTools))
  }

  @Test(
    "has the tools that the documents speak of",
    arguments: [
      "registry-editor", "locksmith", "disk-commander", "disk-wipe", "disk-health", "explorer", "file-restore",
      "file-search", "network", "shell",
    ])
  func known(id: String) { #expect(tools.contains { $0.id == id }) }

  @Test("every tool exists on both architectures, with its size; Lifeboat's own on x64") func architectures() {
    for tool in tools {
      for architecture in Architecture.allCases where architecture == .x64 || !tool.needs.contains(.lifeboat) {
        #expect(tool.packages[architecture] != nil, "\(tool.id)")
        let kib = tool.installedKiB[architecture] ?? -1
        #expect((tool.packages[architecture] ?? []).isEmpty ? kib == 0 : kib > 0, "\(tool.id)")
      }
    }
  }

  @Test("the standard tools are few, small, and leave no shell open") func standard() {
    let standard = tools.filter(\.standard)
    #expect((25...40).contains(standard.count))
    #expect(!standard.contains { ["shell", "terminals"].contains($0.id) })
    for architecture in Architecture.allCases {
      // Packages shared by tools count more than once here, so this is an upper bound.
      let kib = standard.compactMap { $0.installedKiB[architecture] }.reduce(0, +)
      #expect(kib < 100 * 1024)
    }
    for heavy in ["clamav", "rclone", "dislocker"] {
      #expect(!standard.contains { $0.packages[.x64]?.contains(heavy) == true })
    }
  }

  @Test("a tool that opens Windows says so, and brings NTFS") func windows() {
    for tool in tools where tool.command.contains("lifeboat-pick windows") {
      // The explorer goes on without a Windows.
      #expect(tool.needs.contains(.windows) || tool.command.contains("|| w=/"), "\(tool.id)")
      #expect(tool.packages[.x64]?.contains("ntfs-3g") == true, "\(tool.id)")
    }
  }

  @Test("what changes a Windows asks for a writable one, and nothing else does") func writing() {
    for tool in tools where tool.command.contains("lifeboat-pick windows") {
      #expect(tool.command.contains("--write") == (tool.risk == .changesData), "\(tool.id)")
    }
  }

  @Test("what destroys data asks first, or is a program that asks itself") func asking() {
    let asksItself = ["cfdisk", "gdisk", "bash", "tmux", "lifeboat-wipe", "lifeboat-copy disk"]
    for tool in tools where tool.risk == .destroysData {
      let asks = tool.command.contains("lifeboat-pick --overwrite") || asksItself.contains { tool.command.contains($0) }
      #expect(asks, "\(tool.id)")
    }
  }

  @Test("how a tool ended is said by the menu, in words") func results() {
    for tool in tools {
      #expect(!tool.command.contains("Press Enter") && !tool.command.contains("exit status"), "\(tool.id)")
      for words in tool.results.values {
        #expect(words.hasSuffix(".") || words.hasSuffix("?") || words.contains("chkdsk"), "\(tool.id): \(words)")
        #expect(!words.contains("exit status") && !words.contains("Done"), "\(tool.id): \(words)")
      }
    }
    // Programs whose end is not 0 and yet no failure, or 0 and yet not the whole truth.
    for (id, key) in [
      ("locksmith", "3"), ("disk-health", "bit 3"), ("file-system-check", "bit 2"), ("file-system-check", "65"),
      ("virus-scan", "1"), ("close-volumes", "3"), ("ntfs-fix", "0"),
    ] {
      #expect(tools.first { $0.id == id }?.results[key] != nil, "\(id) \(key)")
    }
  }

  @Test("what saves to a file has a place chosen that is not memory by accident") func saving() {
    for tool in tools {
      let writes = ["File to write", "Copy to folder", "cd /root", "> \"$f\"", "$f.map"].contains {
        tool.command.contains($0)
      }
      let asks = ["lifeboat-pick place", " save ", " place)"].contains { tool.command.contains($0) }
      #expect(!writes || asks || tool.id == "partition-restore", "\(tool.id)")
    }
  }

  @Test("what is typed is never taken for an option") func typedWords() {
    for tool in tools where tool.command.contains("read -r") && tool.command.contains(#" "$n""#) {
      let safe = ["-- \"$n\"", "-q \"$n\"", "-c \"$n\"", "--match \"$n\"", "[ -n \"$n\" ]"]
      #expect(safe.contains { tool.command.contains($0) }, "\(tool.id)")
    }
  }

  @Test("undelete gives files their true length") func undelete() {
    #expect(tools.first { $0.id == "file-restore" }?.command.contains("--undelete --truncate") == true)
  }

  @Test("shellcheck finds nothing in the commands") func shellcheck() async throws {
    for tool in tools {
      let script = Array("#!/bin/sh\n\(tool.command)\n".utf8)
      // Below warnings shellcheck gives notes on style, such as on $ in the quotes of an inner sh -c.
      let check = ExternalCommand(
        "shellcheck", ["--shell=sh", "--severity=warning", "-"], package: "shellcheck")
      do { _ = try await check.text(input: script) } catch { Issue.record("\(tool.id): \(error)") }
    }
  }

  @Test("rows go to JSON and back") func listing() throws {
    let rows = try Catalogue.builtIn().listing()
    #expect(rows.count == tools.count)
    #expect(rows.filter { $0.access == "user" }.map(\.id) == tools.filter(\.standard).map(\.id))
    #expect(try JSONDecoder().decode([Catalogue.Row].self, from: JSONEncoder().encode(rows)) == rows)
  }

  @Test("tools are ordered by category, then by id") func order() {
    let ranks = tools.compactMap { ManifestSchema.categories.firstIndex(of: $0.category) }
    #expect(ranks == ranks.sorted())
    #expect(ranks.count == tools.count)
  }

  private static let good = """
    id = "x"
    title = "X"
    summary = "X."
    category = "disks"
    packages = { x64 = ["xpkg"] }
    command = "x"
    risk = "safe"
    licence = "MIT"
    installed-kib = { x64 = 1 }
    """

  @Test("a tool file is read strictly") func files() throws {
    let catalogue = try Catalogue.read(files: [(name: "tools/x.toml", text: Self.good)])
    #expect(catalogue["x"]?.packages == [.x64: ["xpkg"]])
    #expect(catalogue["x"]?.installedKiB == [.x64: 1])
    #expect(catalogue["y"] == nil)
  }

  @Test(
    "a bad tool file is refused",
    arguments: [
      ("y.toml", "", Diagnostic.Code.idMismatch), ("x.toml", "size = 1", .unknownKey),
      ("x.toml", "standard = 1", .wrongType), ("x.toml", "dart = \"Regedit\"", .badValue), ("x.toml", "=", .syntax),
    ])
  func badFiles(name: String, extra: String, code: Diagnostic.Code) throws {
    let failure = try #require(throws: ManifestFailure.self) {
      try Catalogue.read(files: [(name: name, text: Self.good + "\n" + extra)])
    }
    guard case .invalidCatalogue(let diagnostics) = failure else { Issue.record("\(failure)"); return }
    #expect(diagnostics.map(\.code) == [code])
    #expect(diagnostics.first?.file == name)
  }

  @Test("missing keys of a tool file are all reported") func missing() throws {
    let failure = try #require(throws: ManifestFailure.self) { try Catalogue.read(files: [(name: "x.toml", text: "")]) }
    guard case .invalidCatalogue(let diagnostics) = failure else { Issue.record("\(failure)"); return }
    #expect(diagnostics.count == 9)
    #expect(diagnostics.allSatisfy { $0.code == .missingKey })
  }
}
