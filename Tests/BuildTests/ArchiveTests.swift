// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

/// Days on which the package archive is at fault, or the manifest asks it for what it does not have.
///
/// The archive is a folder of the test's own; nothing here gets so far as to build.
@Suite struct ArchiveTests {
  private let mirror: LocalMirror
  private let key: SigningKey
  private static let key = Task { try await SigningKey("Lifeboat's tests") }

  init() async throws {
    mirror = try LocalMirror()
    key = try await Self.key.value
    try await mirror.publish("bookworm", LocalMirror.placeholders, signedBy: key)
  }

  private func workplace(_ suites: String..., more: [String] = []) throws -> Workplace {
    let lines = (suites.isEmpty ? ["bookworm"] : suites).map {
      "deb [signed-by=\(key.keyring)] file:\(mirror.folder.path) \($0) main"
    }
    let value = "\"\"\"\n\(lines.joined(separator: "\n"))\"\"\""
    return try Workplace(manifest: Manifests.aid(mirror: value, more: more))
  }

  @Test func theArchiveOfTheseTestsIsGood() async throws {
    let workplace = try workplace()
    let run = try await workplace.lifeboat(["plan", "rescue.toml", "--json"])
    #expect(run.status == 0, "\(run)")
    #expect(try await workplace.plan().missing.count == 5)
  }

  /// Updates are published several times a day; a new date alone is no reason to build, nor to give other bytes.
  @Test func aNewDateOfUpdatesChangesNothing() async throws {
    let newer = LocalMirror.Package(name: "pv", version: "2")
    try await mirror.publish("bookworm-updates", [newer], signedBy: key)
    let workplace = try workplace("bookworm", "bookworm-updates")
    func keys() async throws -> [Digest] {
      let run = try await workplace.lifeboat(["plan", "rescue.toml", "--json"])
      try #require(run.status == 0, "\(run)")
      return try await workplace.plan().steps.map(\.key)
    }
    let before = try await keys()
    try await mirror.publish("bookworm-updates", [newer], signedBy: key, day: 2)
    #expect(try await keys() == before)
    try await mirror.publish("bookworm", LocalMirror.placeholders, signedBy: key, day: 3)
    #expect(Set(try await keys()).isDisjoint(with: before))
  }

  @Test func aPackageThatDoesNotExistIsNamed() async throws {
    let run = try await workplace(more: [#"packages = ["lifebelt"]"#]).build(online: true)
    run.expect("unknown-package", 65, naming: ["\"lifebelt\"", "amd64", "bookworm"])
  }

  /// For apt a hyphen at the end takes a package away.
  @Test func namesMayEndInAnyWay() async throws {
    let names = ["pv-", "pv+", "g++", "lib-"]
    try await mirror.publish(
      "bookworm", LocalMirror.placeholders + names.map { LocalMirror.Package(name: $0) }, signedBy: key)
    let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
    let workplace = try workplace(more: ["packages = [\(list)]"])
    let run = try await workplace.lifeboat(["plan", "rescue.toml", "--json"])
    #expect(run.status == 0, "\(run)")
    #expect(try PlanReport(run).step("tools").packages == names.count + 1)
    let unknown = try await self.workplace(more: [#"packages = ["lifebelt-"]"#]).build(online: true)
    unknown.expect("unknown-package", 65, naming: ["\"lifebelt-\""])
  }

  @Test func aTimeZoneThatDoesNotExistIsNamedBeforeAnythingIsDone() async throws {
    let workplace = try workplace(more: [#"time-zone = "Europe/Lundon""#])
    let run = try await workplace.build(online: true)
    run.expect("bad-setting", 65, naming: ["time-zone", "\"Europe/Lundon\""])
    #expect(workplace.steps().isEmpty)
  }

  @Test func packagesThatExcludeEachOtherAreNamed() async throws {
    let rivals = [
      LocalMirror.Package(name: "alpha", fields: ["Conflicts: omega"]), LocalMirror.Package(name: "omega"),
    ]
    try await mirror.publish("bookworm", LocalMirror.placeholders + rivals, signedBy: key)
    let run = try await workplace(more: [#"packages = ["alpha", "omega"]"#]).build(online: true)
    run.expect("unsatisfiable", 65, naming: ["alpha", "omega"])
  }

  @Test func aPackageThatNeedsWhatDoesNotExistIsNamed() async throws {
    let lonely = LocalMirror.Package(name: "lonely", fields: ["Depends: nowhere-to-be-found"])
    try await mirror.publish("bookworm", LocalMirror.placeholders + [lonely], signedBy: key)
    let run = try await workplace(more: [#"packages = ["lonely"]"#]).build(online: true)
    run.expect("unsatisfiable", 65, naming: ["lonely", "nowhere-to-be-found"])
  }

  @Test func withoutANetworkItSaysHowToGoOn() async throws {
    let workplace = try Workplace(manifest: Manifests.aid(mirror: "\"http://127.0.0.1:1/debian\""))
    let run = try await workplace.build(online: true)
    run.expect("no-network", 69, naming: ["127.0.0.1", "refused"])
    #expect(run.troubles[0].remedy?.contains("--offline") == true)
  }

  @Test func anArchiveThatDoesNotExistIsNamed() async throws {
    let nowhere = mirror.folder.appending("nowhere")
    let run = try await Workplace(manifest: Manifests.aid(mirror: "\"\(nowhere)\"")).build(online: true)
    run.expect("no-release", 69, naming: [nowhere.string, "bookworm"])
  }

  @Test func offlineNeedsWhatWasFetchedBefore() async throws {
    let run = try await workplace().build()
    run.expect("nothing-offline", 69, naming: ["bookworm", "amd64"])
  }

  /// Indexes alone are not enough to build from; nothing may be fetched although it could be.
  @Test func offlineFetchesNoPackages() async throws {
    let workplace = try workplace()
    _ = try await workplace.lifeboat(["plan", "rescue.toml"])
    let run = try await workplace.build()
    run.expect("nothing-offline", 69, naming: ["packages", ".deb"])
    #expect(FileTree.walk(workplace.cache("apt")).filter { $0.hasSuffix(".deb") } == [])
  }

  @Test func anotherKeysSignatureIsRefused() async throws {
    let stranger = try await SigningKey("somebody else")
    try await mirror.publish("bookworm", LocalMirror.placeholders, signedBy: stranger)
    let workplace = try workplace()
    let run = try await workplace.build(["--allow-incomplete-suites"], online: true)
    run.expect("bad-signature", 3, naming: ["bookworm"])
    #expect(run.troubles[0].remedy?.contains("Do not build") == true)
    #expect(workplace.steps().isEmpty && workplace.remains.isEmpty)
  }

  @Test(arguments: [true, false])
  func anUnsignedArchiveIsRefused(hasFetchedBefore: Bool) async throws {
    let workplace = try workplace()
    if hasFetchedBefore { _ = try await workplace.lifeboat(["plan", "rescue.toml"]) }
    try await mirror.publish("bookworm", LocalMirror.placeholders, signedBy: nil)
    let run = try await workplace.build(["--allow-incomplete-suites"], online: true)
    run.expect("bad-signature", 3, naming: ["bookworm", "not signed"])
    #expect(workplace.steps().isEmpty)
  }

  /// A local archive given by its folder alone is checked with Debian's keys, which did not sign this one.
  @Test func aFolderAsMirrorNeedsDebiansSignature() async throws {
    let workplace = try Workplace(manifest: Manifests.aid(mirror: "\"\(mirror.folder.path)\""))
    let run = try await workplace.build(online: true)
    run.expect("bad-signature", 3, naming: ["bookworm"])
    #expect(run.outcome.errors.contains("no security updates"), "\(run)")
  }

  @Test(arguments: [[], ["--allow-incomplete-suites"]])
  func theReleaseItselfMustBeTheSignedOne(options: [String]) async throws {
    try mirror.disturb("bookworm")
    let workplace = try workplace()
    let run = try await workplace.build(options, online: true)
    run.expect("index-mismatch", 69, naming: ["bookworm", "amd64"])
    #expect(workplace.steps().isEmpty)
  }

  @Test(arguments: ["bookworm-updates", "bookworm-security"])
  func updatesThatAreNotTheSignedOnesAreLeftOutOnlyIfThatIsWanted(suite: String) async throws {
    let newer = LocalMirror.Package(name: "pv", version: "2")
    try await mirror.publish(suite, [newer], signedBy: key)
    let workplace = try workplace("bookworm", suite)
    let plan = ["plan", "rescue.toml", "--json"]
    #expect(try await workplace.lifeboat(plan).status == 0)
    let whole = try await workplace.plan().step("tools").key

    // apt has the index of this release file already: the mirror has to go on to a new one.
    try await mirror.publish(suite, [newer, LocalMirror.Package(name: "another")], signedBy: key)
    try mirror.disturb(suite)
    let refused = try await workplace.build(online: true)
    refused.expect("index-mismatch", 69, naming: [suite, "amd64"])
    #expect(refused.troubles[0].remedy?.contains("--allow-incomplete-suites") == true)

    let allowed = try await workplace.lifeboat(plan + ["--allow-incomplete-suites"])
    #expect(allowed.status == 0, "\(allowed)")
    let incomplete = try await workplace.plan()
    #expect(incomplete.incompleteSuites == ["amd64 \(suite)"])
    // What an earlier update fetched takes no part.
    #expect(try incomplete.step("tools").key != whole)

    // It stays said when nothing is fetched.
    let offline = try await workplace.lifeboat(plan + ["--offline"])
    #expect(
      offline.status == 69 && offline.errors.contains(suite), "\(offline)")

    try await mirror.publish(suite, [newer], signedBy: key)
    #expect(try await workplace.lifeboat(plan).status == 0)
    #expect(try await workplace.plan().step("tools").key == whole)
  }

  /// Of i386 an x64 medium needs two loaders: a suite that is out of step there keeps nobody from security updates.
  @Test(arguments: [[], ["--offline"]]) func loadersComeFromSuitesThatAreWhole(again: [String]) async throws {
    let newer = LocalMirror.Package(name: "pv", version: "2")
    try await mirror.publish("bookworm-security", [newer], signedBy: key)
    try mirror.disturb("bookworm-security", .x86)
    let workplace = try workplace("bookworm", "bookworm-security")
    let run = try await workplace.lifeboat(["plan", "rescue.toml"])
    #expect(run.status == 0 && run.output.contains("i386 bookworm-security for the boot loaders"), "\(run)")
    let report = try PlanReport(try await workplace.lifeboat(["plan", "rescue.toml", "--json"] + again))
    #expect(report.loadersWithoutSuites == ["i386 bookworm-security"] && report.incompleteSuites == [])

    // A system for i386 is another matter, and so is the release itself.
    try workplace.folder.write(
      "both.toml",
      try FileTree.text(of: workplace.folder.appending("rescue.toml")).replacing(#"["x64"]"#, with: #"["x86"]"#))
    let other = try await workplace.lifeboat(["plan", "both.toml", "--json"] + again)
    #expect(other.status == 69 && other.errors.contains("i386"), "\(other)")
  }

  @Test func loadersNeedTheReleaseItself() async throws {
    try mirror.disturb("bookworm", .x86)
    try await workplace().build(online: true).expect("index-mismatch", 69, naming: ["bookworm", "i386"])
  }

  @Test func aLocalArchiveWhosePathHasASpace() async throws {
    let link = mirror.folder.appending("my mirror")
    try FileTree.makeLink(link, to: ".")
    let uri = "file:\(link.string.replacing(" ", with: "%20"))"
    let line = "deb [signed-by=\(key.keyring)] \(uri) bookworm main"
    let workplace = try Workplace(manifest: Manifests.aid(mirror: "\"\"\"\n\(line)\"\"\""))
    let run = try await workplace.lifeboat(["plan", "rescue.toml", "--json"])
    #expect(run.status == 0, "\(run)")
    #expect(try PlanReport(run).missing.count == 5)
  }

  /// `stable` is whatever its release file says.
  @Test(arguments: ["bookworm", "trixie"]) func aNameThatMovesOn(codename: String) async throws {
    try await mirror.publish("stable", LocalMirror.placeholders, signedBy: key, codename: codename)
    let run = try await workplace("stable").lifeboat(["plan", "rescue.toml", "--json"])
    if codename == "bookworm" {
      #expect(run.status == 0, "\(run)")
    } else {
      BuildRun(run).expect("no-release", 69, naming: ["trixie", "bookworm"])
    }
  }

  /// A network that wants a login first answers everything with its page.
  @Test func aPageInTheArchivesPlaceIsNoForgery() async throws {
    try mirror.folder.write("dists/bookworm/InRelease", "<html>Please log in.</html>\n")
    let run = try await workplace().build(online: true)
    run.expect("not-the-archive", 69, naming: ["does the network require authentication?"])
  }

  @Test(arguments: ["\"http://user:s3cret@127.0.0.1:1/debian\"", "deb http://user:s3cret@127.0.0.1:1 bookworm main"])
  func passwordsAreSaidToNobody(mirror: String) async throws {
    let value = mirror.hasPrefix("deb") ? "\"\"\"\n\(mirror)\"\"\"" : mirror
    let workplace = try Workplace(manifest: Manifests.aid(mirror: value))
    for words in [["build", "rescue.toml", "-o", "out", "--verbose"], ["plan", "rescue.toml", "--json"]] {
      let run = try await workplace.lifeboat(words)
      #expect(run.status == 69 && run.errors.contains("127.0.0.1"), "\(run)")
      #expect(!(run.errors + run.output).contains("s3cret"), "\(run)")
    }
    let kept = try await Tool.run("grep", ["-rl", "s3cret", workplace.cache("").string])
    for file in kept.lines { #expect(FileTree.status(of: FilePath(file))?.permissions == 0o600, "\(file)") }
  }

  @Test(arguments: [true, false])
  func aPackageThatArrivesDamagedIsNotUsed(isTruncated: Bool) async throws {
    let victim = try #require(LocalMirror.placeholders.first { $0.name == "whiptail" })
    var content = victim.content
    if isTruncated { content.removeLast(5) } else { content[3] ^= 1 }
    try mirror.folder.write(victim.file, content)
    let workplace = try workplace()
    let run = try await workplace.build(online: true)
    run.expect("damaged-download", 69, naming: ["whiptail_1_all.deb"])
    #expect(FileTree.walk(workplace.cache("apt")).filter { $0.hasSuffix("/whiptail_1_all.deb") } == [])
    #expect(workplace.steps("base").isEmpty)
  }
}
