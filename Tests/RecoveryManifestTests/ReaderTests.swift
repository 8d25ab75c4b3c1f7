// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import StrictTOML
import TestSupport
import Testing

@testable import RecoveryManifest

@Suite("Reading manifests") struct ReaderTests {
  @Test("three lines are enough") func smallest() throws {
    let image = try #require(try Fixture.images("lifeboat = 1\n[[image]]\nname = \"rescue\"", Fixture.small).first)
    var expected = Image(name: "rescue", title: "rescue")
    expected.tools = ["a", "b"].compactMap { Fixture.small[$0] }.map { .init(tool: $0, access: .user) }
    #expect(image == expected)
  }

  @Test("the demo manifest") func demo() throws {
    let images = try Fixture.images(Fixture.text("rescue.toml"))
    #expect(images.map(\.name) == ["tier1", "tier2"])
    for image in images {
      #expect(image.architectures == [.x64, .x86])
      #expect(image.keyboard == "gb")
    }
    let access = images.map { Dictionary(uniqueKeysWithValues: $0.tools.map { ($0.tool.id, $0.access) }) }
    #expect(access[0]["locksmith"] == .helpdesk)
    #expect(access[0]["explorer"] == .user)
    #expect(access[0]["shell"] == nil)
    #expect(access[1]["shell"] == .helpdesk)
    #expect(access[1]["locksmith"] == .helpdesk, "inherited")
    #expect(access[1]["ntfs-fix"] == nil, "taken away")
    #expect(access[1]["inventory"] == .user)
    #expect(images[1].requestedPackages(.x86).contains("hexedit"))
    #expect(images[1].bootTimeout == 10)
  }

  @Test("Lifeboat's program is for x64, whoever asks for it") func program() throws {
    let example = try FileTree.text(of: Repository.path("Examples/install-here.toml"))
    #expect(try Fixture.images(example).map { $0.needsProgram(.x64) } == [true])
    let both = try #require(try Fixture.read(Fixture.text("bad/program-on-x86.toml")).manifest?.images.first)
    #expect(both.needsProgram(.x64) && !both.needsProgram(.x86))
    #expect(
      both.requestedPackages(.x64).contains("efibootmgr")
        && !both.tools(on: .x86).contains { $0.tool.id == "install-here" })
    let standard = try Fixture.images(
      "lifeboat = 1\n[[image]]\nname = \"rescue\"\n[image.tools]\nuser = [\"standard\"]")
    #expect(standard.map { $0.needsProgram(.x64) } == [false])
  }

  @Test(
    "a mirror is a URL, a folder, or lines of sources.list",
    arguments: [
      ("https://mirror.contoso.example/debian", true), ("/srv/debian", true), ("file:///srv/debian", true),
      ("deb https://mirror.contoso.example/debian bookworm main", true),
      (
        "deb [signed-by=/etc/site.gpg] file:/srv/debian bookworm main contrib\ndeb file:/srv/more bookworm-updates main\n",
        true
      ),
      ("deb [signed-by=/a.gpg,/b.gpg check-valid-until=no] https://snapshot.contoso.example/1 bookworm main", true),
      ("deb [ check-valid-until=no ] file:/srv/my%20debian stable main", true),
      // Unsigned packages are never let in.
      ("deb [trusted=yes] https://mirror.contoso.example/debian bookworm main", false),
      ("deb [signed-by=/k.gpg trusted=yes] https://mirror.contoso.example/debian bookworm main", false),
      ("deb [check-valid-until=no trusted=yes] https://mirror.contoso.example/debian bookworm main", false),
      ("deb https://mirror.contoso.example/debian bookworm", false), ("srv/debian", false),
      ("deb https://mirror.contoso.example/debian bookworm main\n\ndeb-src https://x.example/ bookworm main", false),
    ])
  func mirrors(value: String, isGood: Bool) throws {
    let text = "lifeboat = 1\nmirror = \"\"\"\(value)\"\"\"\n[[image]]\nname = \"x\""
    let (manifest, diagnostics) = try Fixture.read(text, Fixture.small)
    #expect(diagnostics.isEmpty == isGood)
    #expect(manifest?.mirror == (isGood ? value : nil))
  }

  @Test("settings: values replace, lists add, through defaults and extends") func inheritance() throws {
    let images = try Fixture.images(
      """
      lifeboat = 1
      mirror = "https://mirror.contoso.example/debian"
      [defaults]
      locale = "de_DE.UTF-8"
      boot-timeout = 0
      packages = ["nano"]
      kernel-arguments = ["nomodeset"]
      expires = 2027-06-30
      files = { "etc/motd" = "default", "etc/issue" = "default" }
      [[image]]
      name = "child"
      extends = "parent"
      packages = ["hexedit", "nano"]
      boot-timeout = 7
      hooks = ["second"]
      files = { "etc/motd" = "child" }
      [[image]]
      name = "parent"
      title = "Parent"
      architectures = ["x86", "x64", "x86"]
      hooks = ["first"]
      time-zone = "America/Argentina/Buenos_Aires"
      kernel-arguments = ["mem=2G"]
      """, Fixture.small)
    let child = try #require(images.first)
    #expect(child.title == "child", "a title is never inherited")
    #expect(child.extends == "parent")
    #expect(child.architectures == [.x64, .x86])
    #expect(child.packages == ["hexedit", "nano"])
    #expect(child.hooks == ["first", "second"])
    #expect(child.kernelArguments == ["nomodeset", "mem=2G"])
    #expect(child.files == ["etc/motd": "child", "etc/issue": "default"])
    #expect(child.bootTimeout == 7)
    #expect(child.locale == "de_DE.UTF-8")
    #expect(child.timeZone == "America/Argentina/Buenos_Aires")
    #expect(child.expires == "2027-06-30")
    #expect(images.last?.bootTimeout == 0)
  }

  @Test("firmware sets become packages of the image's release") func firmware() throws {
    let images = try Fixture.images(
      """
      lifeboat = 1
      [defaults]
      firmware = ["storage", "wifi", "firmware-cavium"]
      [[image]]
      name = "old"
      firmware = ["cpu"]
      [[image]]
      name = "new"
      release = "trixie"
      """, Fixture.small)
    #expect(
      images[0].firmware == [
        "amd64-microcode", "firmware-ath9k-htc", "firmware-atheros", "firmware-brcm80211", "firmware-cavium",
        "firmware-iwlwifi", "firmware-libertas", "firmware-misc-nonfree", "firmware-qlogic", "firmware-realtek",
        "firmware-ti-connectivity", "firmware-zd1211", "intel-microcode",
      ])
    #expect(images[1].firmware.contains("firmware-mediatek"))
    #expect(!images[1].firmware.contains("intel-microcode"))
  }

  @Test(
    "access: the more exact word wins, then the image over what it extends",
    arguments: [
      (#"user = ["all"]"#, "a:user b:user c:user d:user"),
      (#"user = ["standard"]"#, "a:user b:user"),
      (#"user = ["standard"], helpdesk = ["all"]"#, "a:user b:user c:helpdesk d:helpdesk"),
      (#"helpdesk = ["c", "a"], user = ["all"], absent = ["d"]"#, "a:helpdesk b:user c:helpdesk"),
      (#"absent = ["standard"], user = ["all"]"#, "c:user d:user"),
      (#"absent = ["all"], user = ["c"]"#, "c:user"),
    ])
  func access(lists: String, expected: String) throws {
    let images = try Fixture.images("lifeboat = 1\n[[image]]\nname = \"x\"\ntools = { \(lists) }", Fixture.small)
    #expect(shown(images[0]) == expected)
  }

  @Test("a level is a difference to another") func levels() throws {
    let images = try Fixture.images(
      """
      lifeboat = 1
      [[image]]
      name = "third"
      extends = "second"
      tools = { user = ["c"] }
      [[image]]
      name = "second"
      extends = "first"
      tools = { absent = ["b"], helpdesk = ["c"] }
      [[image]]
      name = "first"
      """, Fixture.small)
    #expect(images.map(shown) == ["a:user c:user", "a:user c:helpdesk", "a:user b:user"])
  }

  @Test("a group word leaves out what an architecture cannot have") func groups() throws {
    let images = try Fixture.images(
      """
      lifeboat = 1
      [[image]]
      name = "both"
      architectures = ["x64", "x86"]
      tools = { user = ["all"] }
      [[image]]
      name = "small"
      architectures = ["x86"]
      tools = { user = ["all"] }
      """, Fixture.small)
    #expect(images[0].tools(on: .x64).map(\.tool.id) == ["a", "b", "c", "d"])
    #expect(images[0].tools(on: .x86).map(\.tool.id) == ["a", "b", "c"])
    #expect(!images[0].requestedPackages(.x86).contains("package-d"))
    #expect(images[1].tools.map(\.tool.id) == ["a", "b", "c"])
  }

  @Test("a tool named by a parent is checked on the child's architectures") func inheritedAbsence() throws {
    let (manifest, diagnostics) = try Fixture.read(
      """
      lifeboat = 1
      [[image]]
      name = "parent"
      tools = { user = ["d"] }
      [[image]]
      name = "child"
      extends = "parent"
      architectures = ["x86"]
      """, Fixture.small)
    #expect(manifest == nil)
    #expect(diagnostics.map(\.code) == [.toolAbsentOnArchitecture])
    #expect(diagnostics.first?.message.contains("child") == true)
    #expect(diagnostics.first?.line == 4)
  }

  @Test("own tools come after the catalogue, and `all` holds them") func ownTools() throws {
    let images = try Fixture.images(
      """
      lifeboat = 1
      [[image]]
      name = "x"
      tools = { user = ["all"] }
      [[tool]]
      id = "own"
      title = "Own"
      command = "own"
      risk = "reveals-secrets"
      needs = ["network", "windows"]
      """, Fixture.small)
    let own = try #require(images[0].tools.last?.tool)
    #expect(own.id == "own")
    #expect(own.packages == [.x64: [], .x86: []])
    #expect(own.risk == .revealsSecrets)
    #expect(own.needs == [.network, .windows])
    #expect(Fixture.small.listing(for: images[0]).map(\.access) == ["user", "user", "user", "user", "user"])
  }

  @Test("the throwing form carries every diagnostic and a status for the shell") func throwing() throws {
    let failure = try #require(throws: ManifestFailure.self) {
      try ManifestReader.manifest(from: "lifeboat = 1\nx = 1\ny = 2", file: "f", catalogue: Fixture.small)
    }
    guard case .invalidManifest(let diagnostics) = failure else { Issue.record("\(failure)"); return }
    #expect(diagnostics.count == 3)
    #expect(failure.kind == .badInput)
    #expect(failure.message.contains("f:2:1: error:"))
  }

  @Test("warnings do not stop the work") func warnings() throws {
    let (manifest, warnings) = try ManifestReader.manifest(
      from: Fixture.text("bad/warnings.toml"), file: "f", catalogue: try Fixture.catalogue.get())
    #expect(manifest.images.count == 2)
    #expect(Set(warnings.map(\.code)) == [.duplicateEntry, .noTools, .unusedTool])
  }

  @Test("a very long chain of images and a very long file") func large() throws {
    let chain = (0..<4000).map { "[[image]]\nname = \"i\($0)\"\nextends = \"i\($0 + 1)\"" }.joined(separator: "\n")
    let images = try Fixture.images("lifeboat = 1\n\(chain)\n[[image]]\nname = \"i4000\"", Fixture.small)
    #expect(images.first.map(shown) == "a:user b:user")
    let (manifest, diagnostics) = try Fixture.read(String(repeating: "#", count: 1 << 20) + "\n", Fixture.small)
    #expect(manifest == nil)
    #expect(diagnostics.map(\.code) == [.tooLong])
  }

  private func shown(_ image: Image) -> String {
    image.tools.map { "\($0.tool.id):\($0.access.rawValue)" }.joined(separator: " ")
  }
}
