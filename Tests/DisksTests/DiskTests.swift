// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import Disks

/// Disks that are opened and held, and those that are refused.
@Suite struct DiskTests {
  private func image(in folder: TemporaryFolder) throws -> FilePath {
    try ImageMaker.sparse(folder.appending("disk"), size: 8 << 20, data: [])
  }

  @Test func twoAtOnce() throws {
    let folder = try TemporaryFolder()
    let path = try image(in: folder)
    let held = try Disk(path, isWriting: true)
    #expect(throws: DiskFailure.busy(path)) { try Disk(path, isWriting: true) }
    #expect(DiskFailure.busy(path).kind == .busy)
    withExtendedLifetime(held) {}
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func aReadOnlyDisk() async throws {
    let folder = try TemporaryFolder()
    try await Loop.with(try image(in: folder), ["-r"]) { device in
      #expect(throws: DiskFailure.writeProtected(device)) { try Disk(device, isWriting: true) }
    }
  }

  @Test func noDisk() {
    #expect(throws: DiskFailure.noDisk("/dev/null")) { try Disk("/dev/null", isWriting: false) }
  }
}
