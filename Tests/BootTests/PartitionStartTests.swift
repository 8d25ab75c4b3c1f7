// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import Signing
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A disk on which the real command has installed the demo starts from its recovery partition.
@Suite(
  .serialized, .enabled(if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1", "set LIFEBOAT_BOOT_TESTS=1 to boot"))
struct PartitionStartTests {
  private static let data = "label: gpt\nstart=2048, size=204800, name=\"data\"\n"

  /// A disk's image file with a partition of data, and the recovery in the free space behind it.
  private func withDisk(
    _ medium: DemoMedium = .shared, _ body: (FilePath, FilePath) async throws -> Void
  ) async throws {
    let medium = try await medium.path()
    try await TemporaryFolder.with { folder in
      let disk = try ImageMaker.sparse(folder.appending("disk"), size: 1200 << 20, data: [])
      let table = try await Tool.run("sfdisk", ["--quiet", disk.string], input: Array(Self.data.utf8))
      try #require(table.status == 0, "\(table)")
      try await install(medium.string, "--size", "900M", "--hidden", on: disk)
      try await body(disk, folder)
    }
  }

  private func install(_ arguments: String..., on disk: FilePath) async throws {
    let done = try await Repository.lifeboat(["install"] + arguments + ["--disk", disk.string, "--yes"])
    try #require(done.status == 0, "\(done)")
  }

  /// Starts the disk; what it said up to the ready line.
  private func start(
    _ disk: FilePath, _ firmware: TrialMachine.Firmware, scratch: FilePath
  ) async throws -> (partition: String, ready: ReadyLine, first: String) {
    let machine = TrialMachine(
      medium: disk, attachment: .stick, firmware: firmware, memory: .mebibytes(1024), hasNetwork: false)
    return try await machine.run(scratch: scratch, limit: .seconds(1500)) { machine in
      let first = try await machine.line { $0.contains("LIFEBOAT-PARTITION ") }
      let partition = try await machine.line { $0.contains("LIFEBOAT-PARTITION ok") }
      return (partition, try ReadyLine(await machine.line { $0.contains(ReadyLine.mark) }), first)
    }
  }

  @Test(arguments: [TrialMachine.Firmware.secureBoot, .uefi, .uefiIA32])
  func starts(_ firmware: TrialMachine.Firmware) async throws {
    let record = try MediumVerification.record(of: ISOReader(try await DemoMedium.shared.path()))
    try await withDisk { disk, folder in
      let (partition, ready, _) = try await start(disk, firmware, scratch: folder)
      #expect(ready.image == "tier1" && ready.id == record.identifier)
      #expect(partition.contains("/dev/sda2") && ready.medium == "/dev/sda2", "\(partition) \(ready)")
      #expect(ready.secureBoot == (firmware == .secureBoot ? "enabled" : "disabled"))
    }
  }

  /// One byte of the newer version is wrong: nothing of it is started, and the older one comes up after the restart.
  @Test func aDamagedVersionGivesWayToTheOther() async throws {
    let record = try MediumVerification.record(of: ISOReader(try await DemoMedium.x64.path()))
    let newer = try await DemoMedium.newer.path()
    let identifier = try MediumVerification.record(of: ISOReader(newer)).identifier
    try await withDisk(.x64) { disk, folder in
      try await install("--update", newer.string, on: disk)
      try await damageSettings(of: identifier, on: disk)
      let (_, ready, first) = try await start(disk, .uefi, scratch: folder)
      #expect(first.contains("LIFEBOAT-PARTITION FAILED damaged 90-settings.squashfs"), "\(first)")
      #expect(ready.id == record.identifier && ready.id != identifier)
    }
  }

  /// Changes one byte of a version's settings layer, by mtools.
  private func damageSettings(of identifier: String, on disk: FilePath) async throws {
    let volume = try await RecoveryVolume(partition: 2, of: disk)
    let settings = try #require(try await volume.parts(of: identifier).first { $0.name.hasPrefix("90-settings") })
    var bytes = try await volume.content(of: settings.path)
    bytes[bytes.count / 2] ^= 1
    try await volume.replace(settings.path, with: bytes)
    #expect(try await volume.damage(of: identifier) != nil)
  }
}
