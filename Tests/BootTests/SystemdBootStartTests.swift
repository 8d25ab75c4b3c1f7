// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import BootEntries
import Disks
@preconcurrency import Glibc
import HostSystem
import MediumReading
import RecoveryPartition
import Signing
import SystemPackage
import TestSupport
import Testing
import TrialMachine

/// A disk that Debian's systemd-boot starts, by its fallback name, without Secure Boot: the entry that Lifeboat adds to
/// its menu leads to the recovery partition.
@Suite(
  .serialized,
  .enabled(
    if: HostEnvironment["LIFEBOAT_BOOT_TESTS"] == "1" && geteuid() == 0, "set LIFEBOAT_BOOT_TESTS=1 to boot, as root"))
struct SystemdBootStartTests {
  private static let table =
    "label: gpt\nstart=2048, size=131072, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=\"EFI\"\n"

  @Test func theEntryStartsTheRecovery() async throws {
    let medium = try await DemoMedium.x64.path()
    let record = try MediumVerification.record(of: ISOReader(medium))
    try await TemporaryFolder.with { folder in
      let disk = try ImageMaker.sparse(folder.appending("disk"), size: 1200 << 20, data: [])
      let made = try await Tool.run("sfdisk", ["--quiet", disk.string], input: Array(Self.table.utf8))
      try #require(made.status == 0, "\(made)")
      let arguments = ["install", medium.string, "--size", "900M", "--disk", disk.string, "--yes", "--json"]
      let done = try await Repository.lifeboat(arguments)
      let serial = try #require(done.output.firstMatch(of: /"fileSystemSerial" : "([0-9A-F-]+)"/), "\(done)").output.1
      try await addEntry(String(serial), to: disk, in: folder)
      let computer = LabComputer(
        firmware: .uefi, drives: [.init(image: disk, serial: "DISK")], folder: folder)
      let ready = try await computer.startRecovery()
      #expect(ready.id == record.identifier && ready.medium == "/dev/vda2" && ready.secureBoot == "disabled")
    }
  }

  /// Puts systemd-boot onto the EFI system partition, lets Lifeboat add its entry, and makes that the default.
  private func addEntry(_ serial: String, to disk: FilePath, in folder: FilePath) async throws {
    let packages = try await DebianPackages.shared.folder(["systemd-boot-efi"], architecture: "amd64")
    let loader = try FileTree.bytes(of: packages.appending("usr/lib/systemd/boot/efi/systemd-bootx64.efi"))
    let (esp, root) = (folder.appending("esp"), folder.appending("root"))
    let (mounted, firmware) = (root.appending("efi"), root.appending("firmware"))
    for each in [mounted, firmware.appending("efivars")] { try FileTree.makeFolder(each) }
    // Firmware that has variables, and none of Secure Boot.
    try AtomicFile.write([], to: firmware.appending("efivars/BootOrder"))
    // Not every kernel can mount FAT: it is filled afterwards.
    try await ExternalCommand("mount", ["-t", "tmpfs", "lifeboat", mounted.string]).run()
    let outcome: Result<Void, any Error>
    do {
      for name in ["EFI/BOOT/BOOTX64.EFI", "EFI/systemd/systemd-bootx64.efi"] {
        try FileTree.makeFolder(mounted.appending(name).removingLastComponent())
        try AtomicFile.write(loader, to: mounted.appending(name))
      }
      try FileTree.makeFolder(mounted.appending("loader/entries"))
      try AtomicFile.write(
        Array("title Usual\nsort-key usual\nefi /none.efi\n".utf8), to: mounted.appending("loader/entries/usual.conf"))
      let partition = InstalledPartition(
        disk: disk, isFile: false, table: .gpt, number: 2, start: .mebibytes(65), size: .mebibytes(900),
        sectorSize: 512, partitionUUID: "", fileSystemSerial: serial, title: "Contoso first aid", isHidden: false)
      let entries = try await SystemdBoot(root: root, firmware: firmware)
        .register(partition, on: try Disk(disk, isWriting: false), BootWish())
      let name = try #require(entries.first?.name.split(separator: "/").last)
      try AtomicFile.write(Array("default \(name)\ntimeout 1\n".utf8), to: mounted.appending("loader/loader.conf"))
      try await ExternalCommand("truncate", ["-s", "64M", esp.string]).run()
      try await ExternalCommand("mkfs.vfat", ["-F", "32", "-s", "1", "-n", "EFI", esp.string]).run()
      try await ExternalCommand(
        "mcopy", ["-s", "-i", esp.string] + ["EFI", "loader"].map { mounted.appending($0).string } + ["::/"]
      ).run()
      outcome = .success(())
    } catch { outcome = .failure(error) }
    try await ExternalCommand("umount", [mounted.string]).run()
    try outcome.get()
    try await InstalledDebian.put(esp, on: disk, at: 2048)
  }
}
