// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// The built program, ended by SIGKILL at eight moments of an update, which are the same parts of it in every run; with
/// `LIFEBOAT_BOOT_TESTS=1`, at twenty.
@Suite struct KillTests {
  private static let moments = HostEnvironment["LIFEBOAT_BOOT_TESTS"] == nil ? 8 : 20

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
    try await copy(prepared.disk.path, to: whole)
    let clock = ContinuousClock()
    let begin = clock.now
    #expect(try await update(prepared.disk, to: medium, killedAfter: nil) == 0)
    let duration = clock.now - begin

    var generator = SplitMix(seed: 0x6C69_6665)
    var killed = 0
    for _ in 0..<Self.moments {
      try await copy(whole, to: prepared.disk.path)
      let moment = duration * Double.random(in: 0..<1, using: &generator)
      let status = try await update(prepared.disk, to: medium, killedAfter: moment)
      killed += status == 137 ? 1 : 0
      #expect(status == 137 || status == 0, "after \(moment) of \(duration)")
      let left = try await judge(prepared.disk, [second, third], "after \(moment) of \(duration)")
      #expect(left == third || status == 137)
      try await requireOthersUntouched(prepared.disk, whole, table)
      #expect(try await update(prepared.disk, to: medium, killedAfter: nil) == 0)
      #expect(try await judge(prepared.disk, [third], "after the next update") == third)
      try await requireOthersUntouched(prepared.disk, whole, table)
    }
    #expect(killed > 0)
  }

  /// Runs the command; its exit status, 137 where it was killed.
  private func update(_ disk: DiskImage, to medium: FilePath, killedAfter moment: Duration?) async throws -> Int32 {
    let temporary = disk.folder.appending("tmp")
    FileTree.remove(temporary)
    try FileTree.makeFolder(temporary)
    let command = [
      try Repository.program("lifeboat").string, "install", "--update", medium.string, "--disk", disk.path.string,
      "--yes",
    ]
    let limit = moment.map { ["timeout", "--signal=KILL", "\($0 / .seconds(1))"] } ?? []
    let words = limit + command
    return try await TestSupport.Tool.run(words[0], Array(words.dropFirst()), environment: ["TMPDIR": temporary.string])
      .status
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

  private func copy(_ source: FilePath, to target: FilePath) async throws {
    let outcome = try await TestSupport.Tool.run("cp", ["--sparse=always", source.string, target.string])
    try #require(outcome.status == 0, "\(outcome)")
  }
}
