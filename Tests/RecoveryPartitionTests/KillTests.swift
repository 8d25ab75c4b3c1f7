// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// The built program, ended by SIGKILL behind one of its writes to the disk: the first, the last but one, and some
/// between; with `LIFEBOAT_BOOT_TESTS=1`, at twenty.
@Suite struct KillTests {
  private static let moments = HostEnvironment["LIFEBOAT_BOOT_TESTS"] == nil ? 4 : 20

  /// Each time the version that starts is whole, the old one or the new one; the rest of the disk is as it was, byte for
  /// byte; and the same command again ends well.
  @Test func anUpdateIsKilled() async throws {
    let prepared = try await UpdateTests.prepare()
    // Both slots are taken, so that all kinds of writes happen.
    try await prepared.disk.update(prepared.second)
    let second = try await RecoverySet(prepared.second, key: nil) { _ in }.identifier
    let medium = try await SmallMedia.shared.iso(tools: "third tools", number: 3)
    let third = try await RecoverySet(medium, key: nil) { _ in }.identifier
    let whole = prepared.disk.folder.appending("whole")
    let table = try await prepared.disk.table()
    try await ImageMaker.copy(prepared.disk.path, to: whole)
    let undisturbed = try await update(prepared.disk, to: medium)
    try #require(undisturbed.status == 0 && undisturbed.count > Self.moments)

    var old = 0
    for moment in 0..<Self.moments {
      try await ImageMaker.copy(whole, to: prepared.disk.path)
      let last = 1 + (undisturbed.count - 2) * moment / (Self.moments - 1)
      let when = Comment(rawValue: "after \(last) of \(undisturbed.count) writes")
      let killed = try await update(prepared.disk, to: medium, killedAfter: last)
      #expect(killed.status == 137 && killed.count == last, when)
      old += try await judge(prepared.disk, [second, third], when) == second ? 1 : 0
      try await requireOthersUntouched(prepared.disk, whole, table)
      #expect(try await update(prepared.disk, to: medium).status == 0)
      #expect(try await judge(prepared.disk, [third], "after the next update") == third)
      try await requireOthersUntouched(prepared.disk, whole, table)
    }
    #expect(old > 0, "the first writes prepare")
  }

  private func update(
    _ disk: DiskImage, to medium: FilePath, killedAfter last: Int? = nil
  ) async throws -> TracedWrites.Outcome {
    let temporary = disk.folder.appending("tmp")
    FileTree.remove(temporary)
    try FileTree.makeFolder(temporary)
    let program = try Repository.program("lifeboat").string
    return try await TracedWrites.run(
      [program, "install", "--update", medium.string, "--disk", disk.path.string, "--yes"], to: disk.path,
      killedAfter: last, environment: ["TMPDIR": temporary.string])
  }

  /// What starts, by Lifeboat's own status and by mtools and sha256sum.
  private func judge(_ disk: DiskImage, _ allowed: [String], _ when: Comment) async throws -> String {
    let volume = try await RecoveryVolume(partition: 4, of: disk.path)
    let current = try #require(try await volume.state()["current"], when)
    #expect(allowed.contains(current), when)
    #expect(try await volume.damage(of: current) == nil, when)
    let status = try await Repository.lifeboat(["install", "--status", "--json", "--disk", disk.path.string])
    #expect(status.status == 0 && status.output.contains("\"current\" : \"\(current)\""), "\(when) \(status)")
    return current
  }

  private func requireOthersUntouched(_ disk: DiskImage, _ before: FilePath, _ table: String) async throws {
    let same = try await TestSupport.Tool.run("cmp", ["--bytes=\(317 << 20)", before.string, disk.path.string])
    #expect(same.status == 0, "\(same)")
    #expect(try await disk.table() == table)
  }
}
