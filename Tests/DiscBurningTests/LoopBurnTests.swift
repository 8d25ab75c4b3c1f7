// SPDX-License-Identifier: GPL-3.0-or-later
@preconcurrency import Glibc
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import DiscBurning

private let mayMakeLoops = geteuid() == 0 && access("/dev/loop-control", R_OK | W_OK) == 0

/// Block devices in a drive's place, whose size and protection libburn has to find out.
@Suite(.serialized, .enabled(if: mayMakeLoops, "only root makes loop devices, where they are allowed"))
struct LoopBurnTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Runs `body` with a loop device over a new file of zeros.
  private func withLoop(_ size: ByteCount, readOnly: Bool = false, _ body: (String) async throws -> Void) async throws {
    let file = try folder.sparse("disc", size)
    let losetup = try Tool.require("losetup")
    let made = try await Tool.run(losetup, ["-f", "--show"] + (readOnly ? ["-r"] : []) + [file.string])
    let device = try #require(made.lines.first)
    do { try await body("stdio:" + device) } catch {
      _ = try await Tool.run(losetup, ["-d", device])
      throw error
    }
    _ = try await Tool.run(losetup, ["-d", device])
  }

  private func image() async throws -> BurnImage {
    try folder.file("tree/noise", pattern(3_000_000))
    let made = try await Tool.run("xorriso", ["-as", "mkisofs", "-V", "X", "-o", "i.iso", "tree"], in: folder.path)
    #expect(made.status == 0)
    return try await BurnImage(folder["i.iso"])
  }

  @Test func tooSmallIsSaidBeforehand() async throws {
    let image = try await image()
    try await withLoop(.mebibytes(2)) { address in
      let drive = try await DiscBurner.drive(address)
      #expect(drive.medium?.capacity == .mebibytes(2))
      let failure = #expect(throws: DiscBurner.Failure.self) {
        try BurnPlan(size: image.size, drive: drive, request: BurnRequest())
      }
      #expect(failure?.code == "too-small")
    }
  }

  @Test func itsOwnSizeIsEnough() async throws {
    let image = try await image()
    try await withLoop(ByteCount((image.size.bytes + 4095) / 4096 * 4096)) { address in
      let plan = try BurnPlan(size: image.size, drive: try await DiscBurner.drive(address), request: BurnRequest())
      let report = try await DiscBurner.burn(image, plan: plan, request: BurnRequest())
      #expect(report.verified)
    }
  }

  @Test func whatTheDriveSaysIsPassedOn() async throws {
    let image = try await image()
    try await withLoop(.mebibytes(8), readOnly: true) { address in
      let plan = try BurnPlan(size: image.size, drive: try await DiscBurner.drive(address), request: BurnRequest())
      let failure = await #expect(throws: DiscBurner.Failure.self) {
        try await DiscBurner.burn(image, plan: plan, request: BurnRequest())
      }
      guard case .writeFailed(_, _, _, let said, let state)? = failure else {
        Issue.record("\(String(describing: failure))")
        return
      }
      #expect(said.joined().contains("Operation not permitted"))
      #expect(state == "The file may still be blank: look at it again before you use it.")
      #expect(failure?.kind == .writeFailed)
    }
  }
}
