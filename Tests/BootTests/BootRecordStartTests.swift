// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import MediumReading
import Signing
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A BIOS comes to a recovery partition by the boot record that the real command has put onto a disk, and without a key
/// to what started before.
@Suite(
  .serialized, .enabled(if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1", "set LIFEBOAT_BOOT_TESTS=1 to boot"))
struct BootRecordStartTests {
  private static let other = "OTHER-SYSTEM-IS-UP"

  @Test(arguments: [
    "label: dos\nlabel-id: 0x1b2c3d4e\nstart=2048, size=204800, type=7, bootable\n",
    "label: gpt\nstart=2048, size=204800, name=\"data\"\n",
  ])
  func starts(_ table: String) async throws {
    let medium = try await DemoMedium.shared.path()
    let record = try MediumVerification.record(of: ISOReader(medium))
    try await TemporaryFolder.with { folder in
      let disk = try ImageMaker.sparse(folder.appending("disk"), size: 1200 << 20, data: [1 << 20..<2 << 20])
      let made = try await Tool.run("sfdisk", ["--quiet", disk.string], input: Array(table.utf8))
      try #require(made.status == 0, "\(made)")
      try BootSector.put(BootSector.saying(Self.other), on: disk)
      let before = try firstSector(of: disk)
      let computer = LabComputer(firmware: .bios, drives: [.init(image: disk, serial: "DISK1")], folder: folder)

      let installed = try await Repository.lifeboat([
        "install", medium.string, "--disk", disk.string, "--size", "900M", "--hidden", "--mbr-chain", "--hotkey-delay",
        "5", "--yes",
      ])
      try #require(installed.status == 0 && installed.output.contains("boot entry \(disk)"), "\(installed)")
      let chained = try firstSector(of: disk)
      #expect(chained[..<440] != before[..<440])
      // The second partition's entry is new in an MBR; the first one's, the identifier and the mark are as they were.
      #expect(chained[440..<462] == before[440..<462] && chained[510...] == before[510...])

      #expect(try await computer.start(until: Self.other, "LIFEBOAT").contains(Self.other))
      let ready = try await computer.startRecovery(pressing: ["esc"])
      #expect(ready.image == "tier1" && ready.id == record.identifier && ready.firmware == "bios")
      #expect(ready.medium == "/dev/vda2")
      let volume = try await RecoveryVolume(partition: 2, of: disk)
      #expect(try await volume.state()["trying"] ?? "" == "")
      // The start has written its state, and nothing else.
      #expect(try await volume.damage(of: record.identifier) == nil)
      #expect(try await computer.start(until: Self.other, "LIFEBOAT").contains(Self.other))

      let removed = try await Repository.lifeboat(["install", "--remove", "--disk", disk.string, "--yes"])
      #expect(removed.status == 0 && removed.output.contains("boot entry \(disk) was removed"), "\(removed)")
      #expect(try firstSector(of: disk) == before)
      #expect(try await computer.start(until: Self.other, "LIFEBOAT").contains(Self.other))
    }
  }

  private func firstSector(of disk: FilePath) throws -> [UInt8] {
    let file = try FileDescriptor.open(disk, .readOnly)
    defer { try? file.close() }
    return try [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
      count = try file.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}
