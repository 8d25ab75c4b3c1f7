// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootAssembly

/// The menu of a start from the network is the medium's, as far as it makes sense there.
struct NetworkBootDiskTests {
  private func menu(_ arguments: [String] = [], password: String? = nil, timeout: Int = 5) -> BootMenu {
    BootMenu(
      title: "First aid", identifier: BootMenuTests.identifier, architectures: [.x64, .x86],
      kernelArguments: arguments, password: password, timeout: timeout)
  }

  private func disk(_ menu: BootMenu, title: String = "First aid") throws -> NetworkBootDisk {
    let file = FilePath("/dev/null")
    return NetworkBootDisk(
      image: "tier1", title: title, timestamp: 0, settings: try #require(BootMenuSettings(menu: menu.text)),
      systems: [
        .init(architecture: "x64", identifier: BootMenuTests.identifier, kernel: file, initrd: file),
        .init(architecture: "x86", identifier: "fedcba9876543210", kernel: file, initrd: file),
      ], marker: BootMenuTests.identifier, efiSystemPartition: file, look: [])
  }

  @Test(arguments: [[], ["norandmaps"], BootMenuTests.hostileTitles.map(GrubText.line).filter { !$0.isEmpty }])
  func settingsComeBack(arguments: [String]) throws {
    for password in [nil, BootMenuTests.password] {
      let settings = try #require(BootMenuSettings(menu: menu(arguments, password: password, timeout: 17).text))
      #expect(settings.timeout == 17 && settings.password == password)
      #expect(settings.words == (password == nil ? [] : ["panic=60"]) + arguments)
      #expect(settings.arguments == settings.words.map { " " + GrubText.word($0) }.joined())
    }
  }

  @Test(arguments: [
    "", "set timeout=5\n", "set timeout=x\n  linux \"($medium)/lifeboat/\" $consoles\n", "menuentry x {}",
  ])
  func anotherMenuIsNone(_ text: String) { #expect(BootMenuSettings(menu: text) == nil) }

  @Test(arguments: BootMenuTests.hostileTitles) func grubAcceptsTheMenu(_ title: String) async throws {
    let text = try disk(menu([GrubText.line(title)], password: BootMenuTests.password), title: title).menu
    try await TemporaryFolder.with { folder in
      let file = folder.appending("grub.cfg")
      try AtomicFile.write(Array(text.utf8), to: file)
      try await ExternalCommand("grub-script-check", [file.string], package: "grub-common").run()
    }
    #expect(
      text.contains("set superusers=lifeboat\n") && text.contains("password_pbkdf2 lifeboat \(BootMenuTests.password)"))
  }

  @Test func theNetworkIsAskedForThereAndOnlyThere() throws {
    let (medium, network) = (menu().text, try disk(menu()).menu)
    for word in ["--id memory", "--id check", "--id memtest"] {
      #expect(medium.contains(word) && !network.contains(word))
    }
    for word in ["--id start", "--id disk", "--id verbose", "--id off"] { #expect(network.contains(word)) }
    #expect(network.contains("lifeboat.boot=net") && !medium.contains("lifeboat.boot"))
    #expect(network.contains("if [ \"$1\" = x86 ]; then set id=fedcba9876543210; fi"))
  }

  /// What boots without a boot loader gets the arguments that the menu's first entry gives.
  @Test func theCommandLine() throws {
    let settings = try #require(BootMenuSettings(menu: menu(["a=b c"]).text))
    #expect(
      NetworkBootDisk.kernelArguments(settings, architecture: "x64", identifier: "0123456789abcdef") == [
        "boot=live", "lifeboat.boot=net", "live-media-path=/lifeboat/0123456789abcdef/x64",
        "lifeboat.id=0123456789abcdef", "quiet", "a=b c",
      ])
  }
}
