// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootAssembly

struct BootMenuTests {
  static let identifier = "0123456789abcdef"
  static let password = "grub.pbkdf2.sha512.10000.00FF.AA55"
  static let hostileTitles = [
    "It's broken", #"Say "hello""#, "$root ${prefix} $(reboot)", "a'; reboot; '", #"back\slash\"#, "`id` # comment",
    "Erste Hilfe für Zürich 救命 🛟", "'", "''", "{ } ; | & < > * ?", "line one\nreboot\u{2028}three\ttab",
    "@KEYMAP_LONG@", "@TITLE@ @KEYS@",
  ]

  private func menu(
    _ title: String = "Contoso first aid", architectures: [Architecture] = [.x64, .x86], arguments: [String] = [],
    password: String? = nil
  ) -> BootMenu {
    BootMenu(
      title: GrubText.line(title), identifier: Self.identifier, architectures: architectures,
      kernelArguments: arguments, password: password, timeout: 5)
  }

  private func check(_ script: String) async throws {
    try await TemporaryFolder.with { folder in
      let file = folder.appending("grub.cfg")
      try AtomicFile.write(Array(script.utf8), to: file)
      try await ExternalCommand("grub-script-check", [file.string], package: "grub-common").run()
    }
  }

  @Test(arguments: hostileTitles) func grubAcceptsTheMenu(_ title: String) async throws {
    var script = ""
    for architectures in [[Architecture.x64], [.x86], [.x64, .x86]] {
      for password in [nil, Self.password] {
        let menu = menu(title, architectures: architectures, arguments: [title], password: password)
        script += menu.text
      }
    }
    try await check(script + menu().stub + menu().early)
  }

  /// The check above can fail.
  @Test func grubRefusesABrokenMenu() async {
    await #expect(throws: ExternalCommand.Failure.self) { try await check(menu().text + "if") }
  }

  /// Single quotes mean the same to GRUB as to a POSIX shell, which therefore can tell whether a word means its text.
  @Test(arguments: hostileTitles) func aWordMeansExactlyItsText(_ title: String) async throws {
    let seen = try await ExternalCommand("sh", ["-c", "printf %s " + GrubText.word(title)]).text()
    #expect(seen == title)
  }

  @Test func aTitleStaysOnItsLine() {
    #expect(GrubText.line(" a\nb\u{2028}\tc\u{7F} ") == "a b c")
    #expect(menu("x\nreboot").text.contains("menuentry 'Start x reboot' --id start"))
  }

  @Test func theKernelFindsThisMediumOnly() throws {
    let text = menu(arguments: ["quirk=a b"]).text
    let line = try #require(text.split(separator: "\n").first { $0.contains("  linux \"($medium)/lifeboat") })
    #expect(
      line.trimming == "linux \"($medium)/lifeboat/\(Self.identifier)/$1/vmlinuz\" boot=live "
        + "\"live-media-path=/lifeboat/\(Self.identifier)/$1\" lifeboat.id=\(Self.identifier) $3 $4 $consoles 'quirk=a b'"
    )
    #expect(text.contains(#"set consoles="console=tty0 console=ttyS0,115200n8""#))
  }

  /// Neither a label nor `/.disk/info` tells two media apart.
  @Test func everythingIsFoundByTheMarker() {
    let menu = menu()
    for script in [menu.early, menu.stub, menu.text] {
      let searches = script.split(separator: "\n").filter { $0.contains("search ") }.map(\.trimming)
      #expect(!searches.isEmpty)
      #expect(Set(searches) == ["search --no-floppy --file --set=root /lifeboat/\(Self.identifier)/medium"])
    }
  }

  @Test func aPasswordLocksEditingAndNothingElse() {
    let locked = menu(password: Self.password).text
    #expect(locked.contains("set superusers=lifeboat\nexport superusers\npassword_pbkdf2 lifeboat \(Self.password)\n"))
    #expect(locked.contains(" 'panic=60'"))
    for line in locked.split(separator: "\n").map(\.trimming)
    where line.hasPrefix("menuentry") || line.hasPrefix("submenu") {
      #expect(line.contains("--unrestricted {"))
    }
    let open = menu().text
    #expect(!open.contains("superusers"))
    #expect(!open.contains("panic="))
  }

  @Test func onlyTheArchitecturesOfTheMediumAreOffered() {
    #expect(!menu(architectures: [.x64]).text.contains("set x86=x86"))
    #expect(!menu(architectures: [.x86]).text.contains("set x64=x64"))
    #expect(!menu(architectures: [.x64]).text.contains("--id x86"))
    #expect(menu().text.contains("--id x86"))
  }

  /// What the signed GRUB of Debian cannot do must not be asked of it: it has no modules beside those built in.
  @Test func nothingIsLoaded() {
    let text = menu(password: Self.password).text
    #expect(!text.contains("insmod"))
    #expect(!text.contains("linux16"))
  }

  @Test func aThemeHasNoQuotesInsideItsValues() {
    for title in Self.hostileTitles {
      let value = GrubText.themeValue(title)
      #expect(value.hasPrefix("\"") && value.hasSuffix("\""))
      #expect(!value.dropFirst().dropLast().contains { $0 == "\"" || $0.isNewline })
      #expect(!value.hasPrefix("\"@"))
    }
  }

  @Test func longTitlesAreShortenedInTheThemeAndTextsAreNotFilledTwice() {
    let template = "a = \"@TITLE@\"\nb = \"@SUBTITLE@\"\nc = \"@KEYS@\"\n"
    let theme = BootTheme(title: String(repeating: "x", count: 200), subtitle: "s", locked: true)
    let lines = theme.fill(template).split(separator: "\n")
    #expect(lines[0] == "a = \"" + String(repeating: "x", count: 59) + "…\"")
    #expect(lines[1] == "b = \"s\"")
    #expect(lines[2].contains("menu password"))
    let trick = BootTheme(title: "\"@KEYS@\"", subtitle: "", locked: false).fill(template)
    #expect(trick.hasPrefix("a = \"”@KEYS@”\"\n"))
  }
}

extension StringProtocol {
  /// Without spaces around it.
  var trimming: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
