// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

/// Which of a computer's own package sources an image is made of: a stand-in for its apt has archives in folders.
@Suite struct HostArchiveTests {
  private let mirror: LocalMirror
  private let vendor: LocalMirror
  private let key: SigningKey
  private let host: TemporaryFolder
  private static let key = Task { try await SigningKey("Lifeboat's tests") }

  init() async throws {
    (mirror, vendor, host) = (try LocalMirror(), try LocalMirror(), try TemporaryFolder())
    key = try await Self.key.value
    try await mirror.publish("bookworm", LocalMirror.placeholders, signedBy: key, origin: "Debian")
    let newer = LocalMirror.Package(name: "pv", version: "99")
    try await vendor.publish("bookworm", [newer], signedBy: key, origin: "Contoso")
  }

  /// A stanza of a source.
  private func stanza(_ mirror: LocalMirror, _ suites: String = "bookworm", more: [String] = []) -> String {
    let fields = [
      "Types: deb", "URIs: file:\(mirror.folder.path)", "Suites: \(suites)", "Components: main",
      "Signed-By: \(key.keyring)",
    ]
    return (fields + more).joined(separator: "\n") + "\n\n"
  }

  /// The environment of a computer with these sources and pins.
  private func computer(_ sources: String..., pins: String = "") throws -> [String: String] {
    try host.write("etc/sources.list.d/site.sources", sources.joined())
    try host.write("etc/preferences.d/site", pins)
    for folder in ["lists/partial", "cache/archives/partial"] { try FileTree.makeFolder(host.appending(folder)) }
    try host.write("status", "")
    let file = try host.write(
      "apt.conf",
      """
      Dir::Etc "\(host.path)/etc/"; Dir::State::lists "\(host.path)/lists"; Dir::State::status "\(host.path)/status";
      Dir::Cache "\(host.path)/cache"; APT::Sandbox::User "";
      """)
    return ["APT_CONFIG": file.string]
  }

  /// The plan of a workplace on such a computer.
  private func plan(
    _ workplace: Workplace? = nil, _ arguments: [String] = [], on computer: [String: String]
  ) async throws -> PlanReport {
    let workplace = try workplace ?? Workplace(manifest: Manifests.aid())
    let run = try await workplace.lifeboat(["plan", "rescue.toml", "--json"] + arguments, environment: computer)
    try #require(run.status == 0, "\(run)")
    return try PlanReport(run)
  }

  /// A vendor's archive has Debian's name for its suite and a newer package: by its release file it is the vendor's.
  @Test(arguments: [false, true]) func anothersArchiveIsNotDebian(hasFetched: Bool) async throws {
    let debian = try await plan(on: computer(stanza(mirror)))
    let computer = try computer(stanza(mirror), stanza(vendor))
    if hasFetched {
      try await ExternalCommand("apt-get", ["update", "-q"], environment: computer).run()
      // Who asks it now gets an index that is not the signed one.
      try vendor.disturb("bookworm")
    }
    let workplace = try Workplace(manifest: Manifests.aid())
    let both = try await plan(workplace, on: computer)
    #expect(try both.step("tools").key == debian.step("tools").key)
    #expect(both.foreignArchives == [])
    // From the second time on it is not even asked.
    if !hasFetched { FileTree.remove(vendor.folder.path) }
    #expect(try await plan(workplace, on: computer).steps.map(\.key) == both.steps.map(\.key))
  }

  @Test func aComputerWithAnothersArchiveAloneHasNone() async throws {
    let run = try await Workplace(manifest: Manifests.aid()).build(online: true, environment: computer(stanza(vendor)))
    run.expect("no-apt-sources", 69, naming: ["bookworm", "Contoso"])
    #expect(run.troubles[0].remedy?.contains("mirror") == true)
  }

  /// What is switched off, or is for other computers, is not asked: it would not answer.
  @Test(arguments: ["Enabled: false", "Enabled: OFF", "Enabled: 0", "Enabled: no", "Architectures: arm64"])
  func whatIsNotForThisIsNotAsked(field: String) async throws {
    let nowhere = try LocalMirror()
    _ = try await plan(on: computer(stanza(mirror), stanza(nowhere, more: [field])))
  }

  @Test func pinsHold() async throws {
    let newer = LocalMirror.Package(name: "pv", version: "2")
    try await mirror.publish("bookworm-updates", [newer], signedBy: key, origin: "Debian")
    let sources = stanza(mirror, "bookworm bookworm-updates")
    let old = try await plan(on: computer(stanza(mirror)))
    let new = try await plan(on: computer(sources))
    let pins = "Package: pv\nPin: release n=bookworm-updates\nPin-Priority: -1\n"
    let pinned = try await plan(on: computer(sources, pins: pins))
    #expect(try new.step("tools").key != old.step("tools").key)
    #expect(try pinned.step("tools").key == old.step("tools").key)
  }

  /// The key in the source itself, two keyrings, a snapshot that is past its time, a name that moves on: as apt has it.
  @Test(arguments: ["key", "keyrings", "snapshot", "stable"]) func aptsOwnFormsAreTaken(form: String) async throws {
    let plain = try await plan(on: computer(stanza(mirror)))
    var source = stanza(mirror)
    switch form {
    case "key":
      let armored = try await key.armored().split(separator: "\n", omittingEmptySubsequences: false)
      let lines = armored.map { $0.isEmpty ? " ." : " \($0)" }.joined(separator: "\n")
      source = source.replacing("Signed-By: \(key.keyring)", with: "Signed-By:\n\(lines)")
    case "keyrings":
      let stranger = try await SigningKey("somebody else")
      source = source.replacing("Signed-By: ", with: "Signed-By: \(stranger.keyring) ")
    case "snapshot":
      let past = ["Valid-Until: Thu, 08 May 2025 00:00:00 UTC"]
      try await mirror.publish("bookworm", LocalMirror.placeholders, signedBy: key, origin: "Debian", fields: past)
      source = stanza(mirror, more: ["Check-Valid-Until: no"])
    default:
      // It is another release by now; the archive has the release under its own name too.
      source = stanza(mirror, "stable")
    }
    #expect(try await plan(on: computer(source)).steps.map(\.key) == plain.steps.map(\.key))
  }

  /// Mirrors that the manifest asks for may be anybody's, and that is said.
  @Test func aMirrorThatIsNotDebiansIsNamed() async throws {
    func manifest(_ mirrors: LocalMirror...) -> String {
      let lines = mirrors.map { "deb [signed-by=\(key.keyring)] file:\($0.folder.path) bookworm main" }
      return Manifests.aid(mirror: "\"\"\"\n\(lines.joined(separator: "\n"))\"\"\"")
    }
    let nobody = try computer()
    #expect(try await plan(Workplace(manifest: manifest(mirror)), on: nobody).foreignArchives == [])
    let workplace = try Workplace(manifest: manifest(mirror, vendor))
    let name = "file:\(vendor.folder.path) bookworm (Contoso)"
    #expect(try await plan(workplace, on: nobody).foreignArchives == [name])
    let text = try await workplace.lifeboat(["plan", "rescue.toml", "--offline"], environment: nobody)
    #expect(text.output.contains("not Debian's: \(name)"), "\(text)")
  }
}
