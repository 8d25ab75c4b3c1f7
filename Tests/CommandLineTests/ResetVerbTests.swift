// SPDX-License-Identifier: GPL-3.0-or-later
import DriveDiscovery
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia
@testable import lifeboat

@Suite struct ResetPlanTests {
  private func plan(_ machine: String, _ drive: String = "/dev/sdb", _ label: String? = nil) throws -> ResetPlan {
    try ResetPlan(drive, in: Machine.survey(machine), reset: FlashReset(.exfat, label: label))
  }

  @Test func thePlanSaysWhatIsLostAndWhatBecomesOfIt() throws {
    #expect(
      try plan("laptop-usb-stick", "/dev/sdb", "Fotos").text == """
        make empty, with one partition of 30.7 GB (exFAT "Fotos")
          /dev/sdb  SanDisk Ultra  4C530001230415111234  30.7 GB  dos: vfat "USB"
        Everything on it will be lost.
        """)
  }

  /// Marks that nothing uses are what a reset is there to remove.
  @Test(arguments: ["usb-lvm-inactive", "usb-ambivalent", "usb-ambivalent-plain", "usb-raid-member", "usb-zfs"])
  func leftoversDoNotStopIt(machine: String) throws {
    let refusals = try Machine.survey(machine).verdict(on: plan(machine).drive).refusals
    #expect(!refusals.isEmpty, "write refuses it")
  }

  @Test(arguments: [
    ("usb-mounted", "/dev/sdb", "mounted"), ("usb-lvm-active", "/dev/sdb", "in-use"),
    ("usb-raid-running", "/dev/sdb", "in-use"), ("usb-swap-active", "/dev/sdb", "swap"),
    ("laptop-usb-stick", "/dev/nvme0n1", "system-disk"), ("usb-read-only", "/dev/sdb", "write-protected"),
    ("usb-disk-2tb", "/dev/sdb", "too-large"), ("loop-allowed", "/dev/loop0", "loop-device"),
  ])
  func whatIsInUseIsRefused(machine: String, drive: String, code: String) throws {
    let failure = #expect(throws: DriveDiscoveryFailure.self) { try plan(machine, drive) }
    guard case .refused(_, let refusals)? = failure else { return #expect(Bool(false), "\(machine)") }
    #expect(refusals.map(\.code).contains(code), "\(refusals)")
    #expect(!refusals.contains { $0.isAboutLeftovers })
  }

  @Test func aScriptMustGiveAnIdentity() throws {
    #expect(throws: WriteFailure.self) { try plan("usb-stick-blank").selection.requireIdentity() }
    try plan("usb-stick-blank", "4C530001230415111234").selection.requireIdentity()
  }
}

@Suite(.serialized, .enabled(if: Loop.isAllowed, "needs root and loop devices")) struct ResetVerbTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func with<Result>(_ body: (FilePath) async throws -> Result) async throws -> Result {
    try await Loop.with(try ImageMaker.filled(folder.appending("a"), size: 96 << 20), [], body)
  }

  private func reset(_ device: FilePath, _ more: String...) async throws -> Tool.Outcome {
    try await Repository.lifeboat(["devices", "reset", device.string, "--allow-loop"] + more)
  }

  private func type(_ device: FilePath) async throws -> String {
    try await Tool.run("blkid", ["-p", "-O", "1048576", "-o", "value", "-s", "TYPE", device.string]).output
  }

  @Test(arguments: ["exfat", "fat32"])
  func givesADriveBack(fileSystem: String) async throws {
    try await with { device in
      let outcome = try await reset(device, "--yes", "--label", "BACK", "--file-system", fileSystem)
      #expect(outcome.status == 0, "\(outcome)")
      #expect(outcome.errors.hasPrefix("make empty, with one partition of 99.6 MB ("), "\(outcome)")
      #expect(outcome.output.hasPrefix("\(device): empty, one partition of 99.6 MB ("), "\(outcome)")
      #expect(try await type(device) == (fileSystem == "exfat" ? "exfat\n" : "vfat\n"))
      let listed = try await Repository.lifeboat(["devices", "--allow-loop"])
      let word = fileSystem == "exfat" ? "exfat" : "vfat"
      #expect(listed.lines.contains { $0.hasPrefix("\(device) ") && $0.contains("dos: \(word) \"BACK\"") }, "\(listed)")
    }
  }

  @Test func theLastLineOfJSONIsTheResult() async throws {
    try await with { device in
      let outcome = try await reset(device, "--yes", "--json")
      #expect(outcome.status == 0, "\(outcome)")
      let last = try #require(outcome.lines.last)
      let result = try #require(try JSONSerialization.jsonObject(with: Data(last.utf8)) as? [String: Any])
      #expect(result["event"] as? String == "result" && result["fileSystem"] as? String == "exfat")
      #expect((result["partition"] as? [String: Int]) == ["offset": 1 << 20, "length": 95 << 20])
      #expect((result["target"] as? [String: Any])?["state"] as? String == "complete")
    }
  }

  @Test func asksFirstAndIsRefusedLikeWrite() async throws {
    try await with { device in
      let before = try Digest(ofFile: folder.appending("a"))
      let unasked = try await reset(device)
      #expect(unasked.status == 64 && unasked.errors.contains("no terminal to ask on"), "\(unasked)")
      let label = try await reset(device, "--yes", "--label", "much too long a label")
      #expect(label.status == 64 && label.errors.contains("cannot be the label"), "\(label)")
      let loop = try await Repository.lifeboat(["devices", "reset", device.string, "--yes"])
      #expect(loop.status == 15, "\(loop)")
      let nobody = try await reset("/dev/nothing-there", "--yes")
      #expect(nobody.status == 64, "\(nobody)")
      #expect(try Digest(ofFile: folder.appending("a")) == before, "nothing was written")
    }
  }
}
