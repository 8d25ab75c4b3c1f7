// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// The power is cut while a partition table is written: what was on the disk stays in its place, and the same command ends
/// well afterwards, after sgdisk where one of the two tables of a GPT has suffered.
@Suite struct TableCutTests {
  /// A disk whose partitions foreign programs list.
  struct Kind: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var script: String
    /// Partitions with something in them.
    var data: [Range<Int>]
    /// Of how many writes a change of the table consists.
    var writes: Int

    static let all = [
      Kind(testDescription: "GPT", script: DiskImage.windows, data: DiskImage.windowsData, writes: 2),
      Kind(
        testDescription: "MBR",
        script: "label: dos\nstart=2048, size=204800, type=7\nstart=206848, size=409600, type=83\n",
        data: [1 << 20..<2 << 20, 101 << 20..<104 << 20], writes: 1),
      // The only free space is in the extended partition, behind a logical one.
      Kind(
        testDescription: "MBR with logical partitions",
        script: """
          label: dos
          start=2048, size=204800, type=7
          start=206848, size=1101824, type=f
          start=208896, size=204800, type=83
          """,
        data: [1 << 20..<2 << 20, 102 << 20..<104 << 20], writes: 2),
    ]
  }

  @Test(arguments: Kind.all) func anInstallationIsCut(_ kind: Kind) async throws {
    let set = try await RecoverySet(try await SmallMedia.shared.iso(), key: nil) { _ in }
    try await cut(kind, last: 0, prepare: { _ in }) { installer in
      _ = try await installer.install(set, try await installer.plan(set, .init(size: .mebibytes(300))))
    }
  }

  /// Behind the table comes one write more, which takes the name off what was the partition.
  @Test(arguments: Kind.all) func aRemovalIsCut(_ kind: Kind) async throws {
    try await cut(kind, last: 1, prepare: { try await $0.install(try await SmallMedia.shared.iso()) }) { installer in
      let status = try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
      _ = try await installer.remove(status, keepsPartition: false)
    }
  }

  private func cut(
    _ kind: Kind, last: Int, prepare: (DiskImage) async throws -> Void,
    _ work: (RecoveryInstaller) async throws -> Void
  ) async throws {
    let disk = try await DiskImage(kind.script, data: kind.data)
    let data = try kind.data.map { try disk.digest($0) }
    let others = try await partitions(of: disk)
    try await prepare(disk)
    let whole = disk.folder.appending("whole")
    try await ImageMaker.copy(disk.path, to: whole)
    let all = try await writes(disk, after: .max, work)
    try #require(all.isDone)
    let ended = try await partitions(of: disk)

    let isGPT = kind.script.contains("gpt")
    var (old, new, torn) = (0, 0, 0)
    for cut in all.count - last - kind.writes..<all.count {
      try await ImageMaker.copy(whole, to: disk.path)
      #expect(try await !writes(disk, after: cut, work).isDone)
      let left = try await partitions(of: disk)
      #expect(others.allSatisfy(left.contains), "after \(cut) of \(all.count): \(left)")
      if left.map(\.place) == ended.map(\.place) { new += 1 } else { old += 1 }
      var failure = try await refusal(disk, work)
      if case DiskFailure.tableDamaged? = failure {
        torn += 1
        // As the remedy says.
        #expect(failure?.remedy?.contains("sgdisk -e \(disk.path) writes") == true)
        let mended = try await TestSupport.Tool.run("sgdisk", ["-e", disk.path.string])
        #expect(mended.status == 0, "\(mended)")
        failure = try await refusal(disk, work)
      }
      #expect(failure == nil || ["already-installed", "not-installed"].contains(failure?.code), "after \(cut)")
      #expect(try await partitions(of: disk).map(\.place) == ended.map(\.place), "after \(cut) of \(all.count)")
      #expect(try kind.data.map { try disk.digest($0) } == data)
    }
    #expect(old > 0 && new == last + (isGPT ? 1 : 0), "\(old) old, \(new) new")
    // In each of the two writes to a GPT, half of it arrives.
    #expect(torn == (isGPT ? 2 : 0))
  }

  /// What the work is refused with; nil where it is done.
  private func refusal(
    _ disk: DiskImage, _ work: (RecoveryInstaller) async throws -> Void
  ) async throws -> (any Diagnosable)? {
    do {
      try await work(disk.installer())
      return nil
    } catch let failure as any Diagnosable { return failure }
  }

  /// Does the work until the power is cut.
  private func writes(
    _ image: DiskImage, after writes: Int, _ work: (RecoveryInstaller) async throws -> Void
  ) async throws -> (isDone: Bool, count: Int) {
    let disk = try Disk(image.path, isWriting: true)
    var installer = try image.installer(disk)
    let access = CutDisk(disk, after: writes)
    installer.access = access
    do {
      try await work(installer)
      return (true, access.writes)
    } catch is CutDisk.Cut { return (false, access.writes) }
  }

  private struct Partition: Equatable {
    /// Number, start, size and type.
    var place: String
    /// All of the line, with what is random.
    var line: String
  }

  /// What sfdisk lists, which takes the table of a GPT that is whole.
  private func partitions(of disk: DiskImage) async throws -> [Partition] {
    try await disk.table().split(separator: "\n").filter { $0.contains(" : ") }.map { line in
      let words = line.split(separator: ", ").filter { !$0.hasPrefix("uuid=") }
      return Partition(place: words.joined(separator: ", "), line: String(line))
    }
  }
}
