// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// The menu, with someone who answers as prepared.
struct MenuTests {
  static let few = [
    "health|user|safe|-|disks|Disk health|Reads the disks' own reports|echo health >\"$LIFEBOAT_ROOT/ran\"",
    "copy|user|changes-data|root|disks|Disk copy|Copies a disk|echo copy >\"$LIFEBOAT_ROOT/ran\"",
    "wipe|user|destroys-data|root|disks|Disk wipe|Erases a disk|echo wipe >\"$LIFEBOAT_ROOT/ran\"",
    "unlock|helpdesk|changes-data|windows|windows|Locksmith|Blanks a password|echo unlock >\"$LIFEBOAT_ROOT/ran\"",
    "keys|user|reveals-secrets|-|windows|Keys|Shows keys|echo keys >\"$LIFEBOAT_ROOT/ran\"",
    "fails|user|safe|-|system|Fails|Always fails|exit 7",
    "web|user|safe|network|network|Download|Fetches a file|echo web >\"$LIFEBOAT_ROOT/ran\"",
  ]
  static let shell = "shell|user|safe|root|system|Shell|A command line|echo shell >\"$LIFEBOAT_ROOT/ran\""

  private func rows(_ tools: [String]) async throws -> [(tag: String, shown: String)] {
    let outcome = try await StartedImage(tools: tools).run("usr/bin/lifeboat-menu", "--list")
    #expect(outcome.status == 0, "\(outcome)")
    return outcome.lines.map { line in
      let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(parts[0]), String(parts.last ?? ""))
    }
  }

  @Test func fewToolsStandInOneList() async throws {
    let rows = try await rows(Self.few)
    #expect(
      rows.map(\.tag) == ["health", "copy", "wipe", "unlock", "keys", "fails", "web", "=about", "=restart", "=off"])
    let shown = Dictionary(uniqueKeysWithValues: rows.map { ($0.tag, $0.shown.trimmingCharacters(in: .whitespaces)) })
    #expect(shown["health"]?.hasSuffix("Reads the disks' own reports") == true)
    #expect(shown["copy"]?.hasSuffix("changes data") == true)
    #expect(shown["wipe"]?.hasSuffix("DESTROYS DATA") == true)
    #expect(shown["keys"]?.hasSuffix("shows secrets") == true)
    // That it is locked matters more than what it would do.
    #expect(shown["unlock"]?.hasSuffix("help desk only") == true)
  }

  @Test func manyToolsStandInCategories() async throws {
    let tools = (1...13).map { "t\($0)|user|safe|-|\($0 < 8 ? "disk-care" : "files")|Tool \($0)|Does \($0)|true" }
    let rows = try await rows(tools)
    #expect(rows.map(\.tag) == ["+disk-care", "+files", "=about", "=restart", "=off"])
    #expect(rows[0].shown.hasPrefix("Disk care  Tool 1, Tool 2"))
  }

  @Test func theShellIsThereOnlyIfTheImageHasIt() async throws {
    #expect(try await rows(Self.few).contains { $0.tag == "shell" } == false)
    #expect(try await rows(Self.few + [Self.shell]).filter { $0.tag == "shell" }.map(\.shown) == ["Shell"])
    let locked = Self.shell.replacing("|user|", with: "|helpdesk|")
    #expect(try await rows([locked]).first?.shown == "Shell  (help desk only)")
  }

  @Test func columnsAreAsWideForEveryScript() async throws {
    let tools = [
      "a|user|safe|-|x|Plain|Copies folders everywhere and then some more, until the line is full|true",
      "b|user|destroys-data|-|x|Größe|Ordner überall löschen, größer als nötig, für äöü und noch mehr davon|true",
      "c|user|changes-data|-|x|文件恢复|恢复已删除的文件恢复已删除的文件恢复已删除的文件恢复已删除的文件|true",
    ]
    let shown = try await rows(tools).prefix(3).map(\.shown)
    func columns(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x3000 ? 2 : 1) } }
    #expect(shown.allSatisfy { $0.contains("...") && !$0.contains("\u{FFFD}") }, "\(shown)")
    // A wide character may leave one column over.
    #expect(Set(shown.map { columns($0) / 2 }).count == 1, "\(shown)")
  }

  @Test(arguments: ["health"]) func safeToolsStartAtOnce(tool: String) async throws {
    let image = try await StartedImage(tools: Self.few)
    #expect(try await image.run("usr/bin/lifeboat-menu", "--run", tool).status == 0)
    #expect(image.text("ran") == "\(tool)\n" && image.boxes.isEmpty)
  }

  @Test(arguments: ["copy": "can change data", "wipe": "DESTROYS DATA", "keys": "Make sure that nobody is watching"])
  func harmIsAgreedToFirst(tool: String, warning: String) async throws {
    let image = try await StartedImage(tools: Self.few)
    try image.answer("1 no")
    #expect(try await image.run("usr/bin/lifeboat-menu", "--run", tool).status == 0)
    #expect(image.text("ran").isEmpty && image.boxes.contains(warning), "\(image.boxes)")
    #expect(image.boxes.contains("--defaultno") == (tool == "wipe"))
    try image.answer("0 yes")
    #expect(try await image.run("usr/bin/lifeboat-menu", "--run", tool).status == 0)
    #expect(image.text("ran") == "\(tool)\n")
  }

  @Test func toolsOfTheHelpDeskAreRefused() async throws {
    let image = try await StartedImage(tools: Self.few)
    try image.answer("0 yes", "0 yes")
    #expect(try await image.run("usr/bin/lifeboat-menu", "--run", "unlock").status == 0)
    #expect(image.text("ran").isEmpty && image.boxes.contains("help desk only"), "\(image.boxes)")
  }

  @Test func anUnknownToolIsWrongUse() async throws {
    let image = try await StartedImage(tools: Self.few)
    let outcome = try await image.run("usr/bin/lifeboat-menu", "--run", "nothing")
    #expect(outcome.status == 64 && outcome.errors.contains("nothing"), "\(outcome)")
  }

  @Test func aFailureIsSaidInWords() async throws {
    let image = try await StartedImage(tools: Self.few)
    let outcome = try await image.run("usr/bin/lifeboat-menu", "--run", "fails")
    #expect(outcome.status == 7 && outcome.errors.contains("Fails did not end as it should"), "\(outcome)")
    #expect(!outcome.errors.contains("7"))
  }

  /// Success, no change, a bit of several, and a status that the catalogue says nothing about.
  @Test(arguments: [
    (0, ["All is written."]), (2, ["Nothing was changed."]), (72, ["It is failing.", "It has noted errors."]),
    (5, ["Tool did not end as it should"]), (130, []),
  ]) func anEndIsSaidAsTheCatalogueHasIt(status: Int, words: [String]) async throws {
    let results = ["0=All is written.", "2=Nothing was changed.", "bit 3=It is failing.", "bit 6=It has noted errors."]
    let image = try await StartedImage(
      tools: ["t|user|safe|-|x|Tool|Does|exit \(status)|\(results.joined(separator: "\u{1E}"))"])
    let outcome = try await image.run("usr/bin/lifeboat-menu", "--run", "t")
    let said = outcome.errors.split(whereSeparator: \.isNewline).map(String.init)
    #expect(said.contains { $0.hasPrefix("Press Enter") } == !words.isEmpty, "\(outcome)")
    for text in words { #expect(said.contains { $0.hasPrefix(text) }, "lacks \(text): \(said)") }
    #expect(!outcome.errors.contains("status"))
  }

  @Test func aRestartIsPresetToNo() async throws {
    let image = try await StartedImage(tools: Self.few)
    try image.answer("0 =restart", "1 no", "0 =off", "1 no")
    _ = try await image.run("usr/bin/lifeboat-menu")
    let asked = image.boxes.split(separator: "\n").filter { $0.contains("--yesno") }
    #expect(asked.count == 2 && asked.allSatisfy { $0.contains("--defaultno") }, "\(asked)")
    #expect(image.done.isEmpty)
  }

  @Test func aToolThatNeedsTheNetworkOffersToConnect() async throws {
    let image = try await StartedImage(tools: Self.few)
    try image.write("usr/lib/systemd/system/NetworkManager.service", "")
    try image.standIn("nm-online", "printf 'eth0\\t00000000\\t0100\\n' >>\"$LIFEBOAT_ROOT/proc/net/route\"")
    try image.answer("0 yes")
    #expect(try await image.run("usr/bin/lifeboat-menu", "--run", "web").status == 0)
    #expect(image.text("ran") == "web\n" && image.done.contains("start NetworkManager"))
    // Connected: no question any more.
    let before = image.boxes
    #expect(try await image.run("usr/bin/lifeboat-menu", "--run", "web").status == 0)
    #expect(image.boxes == before)
  }

  @Test func withoutAConnectionTheToolDoesNotStart() async throws {
    let image = try await StartedImage(tools: Self.few)
    try image.answer("0 yes", "0 ok")
    #expect(try await image.run("usr/bin/lifeboat-menu", "--run", "web").status == 0)
    #expect(image.text("ran").isEmpty && image.boxes.contains("could not be connected"), "\(image.boxes)")
  }

  @Test func theMenuGoesThroughAFullTurn() async throws {
    let tools = Self.few + (1...6).map { "t\($0)|user|safe|-|files|Tool \($0)|Does \($0)|true" } + [Self.shell]
    let image = try await StartedImage(tools: tools, title: "Contoso \"first aid\"")
    // Into a category, a tool, back; about; a restart that is not meant, one that is.
    try image.answer("0 +disks", "0 health", "1 ", "0 =about", "0 ", "0 =restart", "1 no", "0 =off", "0 yes")
    let outcome = try await image.run("usr/bin/lifeboat-menu")
    #expect(outcome.status == 1, "it ends when the terminal gives nothing any more")
    #expect(image.text("ran") == "health\n")
    #expect(image.done == "systemctl --no-wall poweroff\n")
    #expect(image.boxes.contains("--backtitle Contoso \"first aid\" "))
    for fact in [StartedImage.identifier, "/dev/sr0", "Debian bookworm", "until 2099-12-31", "bios", "unsupported"] {
      #expect(image.boxes.contains(fact), "About lacks \(fact)")
    }
  }

  @Test func whatHasExpiredSaysSoFirst() async throws {
    let image = try await StartedImage(tools: Self.few)
    try image.facts(expires: "2020-02-29")
    _ = try await image.run("usr/bin/lifeboat-menu")
    #expect(image.boxes.hasPrefix("--backtitle First aid --title This image has expired"), "\(image.boxes)")
    #expect(image.boxes.contains("until 2020-02-29"))
    // Once is enough.
    try image.write("boxes", "")
    _ = try await image.run("usr/bin/lifeboat-menu")
    #expect(!image.boxes.contains("expired"))
  }

  @Test(arguments: ["trouble": "did not start completely", "verified": "30-tools.squashfs"])
  func troubleIsSaidFirst(file: String, text: String) async throws {
    let image = try await StartedImage(tools: Self.few)
    try image.write("run/lifeboat/\(file)", "FAILED 30-tools.squashfs\n")
    _ = try await image.run("usr/bin/lifeboat-menu")
    #expect(image.boxes.split(separator: "Recovery tools").first?.contains(text) == true, "\(image.boxes)")
  }

  @Test func withoutToolsThereIsNoMenu() async throws {
    let image = try await StartedImage(tools: Self.few)
    FileTree.remove(image.root.appending("usr/lib/lifeboat/tools.tsv"))
    let outcome = try await image.run("usr/bin/lifeboat-menu", "--list")
    #expect(outcome.status == 66 && outcome.errors.contains("tools.tsv is missing"), "\(outcome)")
  }
}
