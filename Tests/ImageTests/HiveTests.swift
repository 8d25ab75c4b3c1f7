// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

private let canEditHives = ["hivexget", "hivexregedit", "xz"].allSatisfy { Tool.isInstalled($0) }

/// Changes to registry hives, with a real one and hivex as it is.
@Suite(.enabled(if: canEditHives, "needs libhivex-bin, libwin-hivex-perl and xz-utils"))
struct HiveTests {
  private static let config = "windows/Windows/System32/config"
  private let image: StartedImage
  private var windows: String { image.root.appending("windows").string }
  private func hive(_ name: String) -> FilePath { image.root.appending("\(Self.config)/\(name)") }

  init() async throws {
    image = try await StartedImage(tools: ["a|user|changes-data|-|x|A|A|true"])
    let bytes = try await Tool.run("xz", ["-dc", Repository.path("Fixtures/hives/SAM.xz").string]).bytes
    // chntpw is made to write, as it would.
    try image.write("\(Self.config)/SAM", bytes)
    try image.standIn("chntpw", "echo \"chntpw $*\" >>\"$LIFEBOAT_ROOT/done\"; echo x >>\"$2\"; exit 2")
    try image.write("\(Self.config)/System", bytes)
    let services = [1, 2].map {
      "[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet00\($0)\\Services\\Spooler]\n\"Start\"=dword:00000002\n\n"
    }
    try await merge(
      "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SYSTEM\\Select]\n\"Current\"=dword:00000002\n\n"
        + "[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001]\n\n[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet002]\n\n"
        + [1, 2].map { "[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet00\($0)\\Services]\n\n" }.joined() + services.joined())
  }

  private func merge(_ text: String) async throws {
    try image.write("setup.reg", text)
    let outcome = try await Tool.run(
      "hivexregedit",
      [
        "--merge", "--prefix", #"HKEY_LOCAL_MACHINE\SYSTEM"#, hive("System").string,
        image.root.appending("setup.reg").string,
      ])
    try #require(outcome.status == 0, "\(outcome)")
  }

  private func run(_ arguments: String...) async throws -> Tool.Outcome {
    try await image.run("usr/bin/lifeboat-hive", arguments)
  }

  private func start(in set: Int) async throws -> String {
    try await Tool.run("hivexget", [hive("System").string, "ControlSet00\(set)\\Services\\Spooler", "Start"]).output
  }

  private func copies() -> [String] { FileTree.names(in: image.root.appending("windows/Lifeboat/hives")) }

  @Test func accountsOfTheOldKindAreChangedAfterACopy() async throws {
    let before = try FileTree.bytes(of: hive("SAM"))
    let outcome = try await run("accounts", windows)
    #expect(outcome.status == 0 && image.done == "chntpw -i \(hive("SAM"))\n", "\(outcome)")
    let copy = try #require(copies().first)
    #expect(copy.hasSuffix("-SAM") && outcome.output.contains(copy), "\(outcome)")
    #expect(try FileTree.bytes(of: image.root.appending("windows/Lifeboat/hives/\(copy)")) == before)
  }

  /// The revision is one byte in a value of 240: it is changed where the value lies in the file.
  @Test(arguments: [2, 3] as [UInt8]) func otherKeyRevisionsAreRefused(revision: UInt8) async throws {
    var bytes = try FileTree.bytes(of: hive("SAM"))
    let value = try await Tool.run("hivexget", [hive("SAM").string, #"SAM\Domains\Account"#, "F"]).bytes
    let place = try #require(bytes.firstRange(of: value))
    #expect(value[0x68] == 1)
    bytes[place.lowerBound + 0x68] = revision
    try image.write("\(Self.config)/SAM", bytes)
    try image.answer("0 ok")
    let outcome = try await run("accounts", windows)
    #expect(outcome.status == 1 && image.done.isEmpty && copies().isEmpty, "\(outcome)")
    #expect(image.boxes.contains(revision == 2 ? "key revision 2" : "does not say how"), "\(image.boxes)")
    #expect(try FileTree.bytes(of: hive("SAM")) == bytes)
  }

  @Test func whatIsNotChangedSaysSoAndLeavesNoCopy() async throws {
    let outcome = try await run("edit", hive("SAM").string, "true")
    #expect(outcome.status == 3 && copies().isEmpty, "\(outcome)")
    #expect(FileTree.kind(of: image.root.appending("windows/Lifeboat")) == nil)
  }

  @Test func aHiveWithUnfinishedChangesIsNotTouched() async throws {
    var bytes = try FileTree.bytes(of: hive("SAM"))
    bytes[4] ^= 1
    try image.write("\(Self.config)/SAM", bytes)
    try image.answer("0 ok")
    let outcome = try await run("edit", hive("SAM").string, "chntpw", "-i")
    #expect(outcome.status == 1 && image.done.isEmpty && image.boxes.contains("not finished writing"), "\(outcome)")
  }

  @Test func theSetThatSelectNamesIsWritten() async throws {
    try image.answer("0 Spooler")
    let outcome = try await run("disable-service", windows)
    #expect(outcome.status == 0 && outcome.output.contains("Start was 2 in ControlSet002"), "\(outcome)")
    #expect(try await start(in: 2) == "4\n")
    #expect(try await start(in: 1) == "2\n")
    // And back.
    let copy = try #require(copies().first)
    try image.answer("0 \(copy)")
    let undone = try await run("restore", windows)
    #expect(undone.status == 0 && image.boxes.contains("System as it was on 20"), "\(undone)")
    #expect(try await start(in: 2) == "2\n")
  }

  @Test(arguments: ["Nothing", "../x", "Spooler]\n[HKEY_LOCAL_MACHINE"])
  func aServiceThatIsNotThere(name: String) async throws {
    try image.answer("0 \(name)", "0 ok")
    let outcome = try await run("disable-service", windows)
    #expect(outcome.status == 1 && copies().isEmpty && image.boxes.contains("Nothing was changed"), "\(outcome)")
  }

  /// As regedit saves it, and CurrentControlSet is the set that Select names.
  @Test(arguments: ["UTF-16LE", "UTF-16BE", "UTF-8"]) func aFileOfRegedit(encoding: String) async throws {
    let text =
      "\u{FEFF}Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Spooler]\r\n"
      + "\"Start\"=dword:00000003\r\n\"Group\"=\"Größe\"\r\n"
    let units = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    let bytes: [UInt8] =
      switch encoding {
      case "UTF-16BE": units
      case "UTF-16LE": stride(from: 0, to: units.count, by: 2).flatMap { [units[$0 + 1], units[$0]] }
      default: Array(text.utf8)
      }
    try image.write("change.reg", bytes)
    let outcome = try await run("import", hive("System").string, image.root.appending("change.reg").string)
    #expect(outcome.status == 0, "\(outcome) \(image.boxes)")
    #expect(try await start(in: 2) == "3\n")
    #expect(try await start(in: 1) == "2\n")
    let group = try await Tool.run("hivexget", [hive("System").string, #"ControlSet002\Services\Spooler"#, "Group"])
    #expect(group.output == "Größe\n", "\(group)")
    let current = try await Tool.run("hivexget", [hive("System").string, "CurrentControlSet"])
    #expect(current.status != 0, "the hive has a CurrentControlSet of its own now")
  }

  @Test(arguments: ["REGEDIT4\n", "x", "Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\x]\n"])
  func otherFilesAreRefused(text: String) async throws {
    try image.write("change.reg", text)
    try image.answer("0 ok")
    let outcome = try await run("import", hive("System").string, image.root.appending("change.reg").string)
    #expect(outcome.status == 1 && copies().isEmpty && image.boxes.contains("Nothing was changed"), "\(outcome)")
  }
}
