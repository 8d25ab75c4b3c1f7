// SPDX-License-Identifier: GPL-3.0-or-later
import DiscBurning
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import lifeboat

/// `burn`, with a file in a drive's place.
@Suite struct BurnVerbTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Whether the kernel knows a drive for discs here.
  static let hasDrive = FileTree.names(in: "/sys/class/block").contains { $0.hasPrefix("sr") }

  private func iso() async throws -> String {
    try folder.write("tree/README", String(repeating: "a disc\n", count: 50_000))
    let made = try await Tool.run(
      "xorriso", ["-as", "mkisofs", "-V", "BURNT", "-o", "image.iso", "tree"], in: folder.path)
    #expect(made.status == 0, "\(made)")
    return folder.appending("image.iso").string
  }

  private var target: String { "stdio:" + folder.appending("disc").string }

  @Test(.enabled(if: !hasDrive, "this computer has a drive for discs, which tests leave alone"))
  func aComputerWithoutADriveIsToldSo() async throws {
    let burnt = try await Repository.lifeboat(["burn", try await iso()])
    #expect(burnt.status == 69, "\(burnt)")
    #expect(burnt.errors.hasPrefix("lifeboat: error: this computer has no disc drive\n"))
    let list = try await Repository.lifeboat(["burn", "--list"])
    #expect(list.status == 0 && list.output.isEmpty && list.errors.contains("no drive for discs"))
    let json = try await Repository.lifeboat(["burn", "--list", "--json"])
    let document = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: [Any]])
    #expect(document["drives"]?.isEmpty == true)
  }

  @Test func burnsAndVerifies() async throws {
    let iso = try await iso()
    let burnt = try await Repository.lifeboat(["burn", iso, target])
    #expect(burnt.status == 0, "\(burnt)")
    let digest = try Digest(ofFile: FilePath(iso))
    #expect(burnt.output.contains("verified, SHA-256 \(digest)"))
    #expect(burnt.errors.contains("(BURNT, "))
    #expect(try Digest(ofFile: folder.appending("disc")) == digest)
  }

  @Test func saysWhatItDidAsJSON() async throws {
    let burnt = try await Repository.lifeboat(["burn", try await iso(), target, "--json", "--no-verify"])
    let document = try #require(try JSONSerialization.jsonObject(with: Data(burnt.bytes)) as? [String: Any])
    #expect(document["verified"] as? Bool == false && document["mode"] as? String == "TAO")
    #expect(document["drive"] as? String == target)
  }

  @Test func whatIsOnADiscIsLostOnlyWhenThatIsConfirmed() async throws {
    let iso = try await iso()
    let disc = try folder.write("disc", [UInt8](repeating: 0x77, count: 100_000))
    let plain = try await Repository.lifeboat(["burn", iso, target])
    #expect(plain.status == 15 && plain.errors.contains("is not blank"), "\(plain)")
    let unasked = try await Repository.lifeboat(["burn", iso, target, "--blank"])
    #expect(unasked.status == 64 && unasked.errors.contains("--yes"), "\(unasked)")
    #expect(try FileTree.bytes(of: disc) == [UInt8](repeating: 0x77, count: 100_000))
    let agreed = try await Repository.lifeboat(["burn", iso, target, "--blank", "--yes"])
    #expect(agreed.status == 0, "\(agreed)")
  }

  @Test(arguments: [("WARP DRIVE", Int32(0)), ("warp drive", 64), ("", 64)])
  func theModelIsTypedOnATerminal(typed: String, status: Int32) async throws {
    let iso = try await iso()
    try folder.write("disc", [UInt8](repeating: 0x77, count: 100_000))
    let command = "\(try Repository.program("lifeboat")) burn \(iso) \(target) --blank"
    let seen = try await Tool.run(
      "script", ["-qec", command, "/dev/null"], environment: ["TERM": "xterm", "SHELL": "/bin/sh"],
      input: Array((typed + "\n").utf8), package: "bsdutils")
    #expect(seen.status == status, "\(seen)")
    #expect(seen.output.contains("Type the drive's model, WARP DRIVE, to go on:"))
  }

  @Test func aDiskIsNoDrive() async throws {
    let iso = try await iso()
    for name in ["/dev/null", folder.path.string, "/absent"] {
      let outcome = try await Repository.lifeboat(["burn", iso, name])
      #expect(outcome.status == 66 && outcome.errors.contains("lifeboat burn --list"), "\(outcome)")
    }
  }

  @Test func aDriveIsALineOfTheList() {
    let medium = OpticalMedium(
      profile: DiscProfile(0x1B), state: .blank, capacity: ByteCount(4_700_372_992), speeds: [5540, 11_080])
    var drive = OpticalDrive(address: "/dev/sr0", vendor: "ASUS", model: "DRW", medium: medium)
    #expect(BurnVerb.row(drive) == ["/dev/sr0", "ASUS DRW", "DVD+R", "blank", "4.7 GB", "4x 8x"])
    drive.medium = nil
    #expect(BurnVerb.row(drive) == ["/dev/sr0", "ASUS DRW", "-", "no disc", "", ""])
    drive.obstacle = .noPermission
    #expect(BurnVerb.row(drive)[3] == "no permission (group cdrom)")
  }
}
