// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// All ways together: what one of them cannot do leaves the partition and the others.
@Suite struct ComputerBootTests {
  /// A computer: its firmware as a folder, and no boot loader but what is in `root`.
  private func boot(
    _ folder: FilePath, firmware: String, program: Efibootmgr = Efibootmgr(), grub: InstalledGRUB? = nil,
    usesRecord: Bool = false
  ) -> ComputerBoot {
    let firmware = folder.pushing(FilePath(firmware))
    return ComputerBoot(
      firmware: FirmwareBoot(program: program, firmware: firmware), grub: grub ?? InstalledGRUB(root: folder),
      systemdBoot: SystemdBoot(root: folder, firmware: firmware), record: BootRecordBoot(), usesRecord: usesRecord)
  }

  /// A disk that gets a recovery partition, on such a computer.
  private func install(
    _ disk: DiskImage, _ boot: ComputerBoot, _ wish: BootWish = BootWish()
  ) async throws -> (RecoveryInstaller.Plan, RecoveryInstaller.Installation) {
    let set = try await RecoverySet(try await SmallMedia.shared.iso(), key: nil) { _ in }
    let installer = RecoveryInstaller(try Disk(disk.path, isWriting: true), registration: boot) { _ in }
    let plan = try await installer.plan(set, .init(size: .mebibytes(300), wish: wish))
    return (plan, try await installer.install(set, plan))
  }

  /// Variables that are not mounted, no program, a disk that no entry can name.
  @Test(arguments: ["variables", "program", "table"]) func firmwareThatCannotBeHad(what: String) async throws {
    let disk = try await DiskImage(
      what == "table" ? "label: dos\nstart=2048, size=204800, type=7\n" : DiskImage.windows)
    try FileTree.makeFolder(disk.folder.path.pushing("efi"))
    var program = Efibootmgr(environment: ["EFIVARFS_PATH": "\(disk.folder.path)/none/"])
    if what == "program" { program.path = "efibootmgr-is-not-here" }
    let boot = boot(disk.folder.path, firmware: "efi", program: program)
    let (plan, done) = try await install(disk, boot, BootWish(place: .first, hotkeyDelay: 5))
    let words = ["variables": "cannot be reached", "program": "is not installed", "table": "MBR partition table"]
    #expect(plan.boot.count == 1 && plan.boot[0].hasPrefix("no firmware entry: "), "\(plan.boot)")
    let reason = try #require(words[what])
    #expect(plan.boot[0].contains(reason), "\(plan.boot)")
    #expect(done.boot.entries.isEmpty && done.boot.failure?.message.contains(reason) == true)
    #expect(done.boot.failure?.remedy?.isEmpty == false && plan.nextStart(done.boot.entries) == "as before")
    #expect(try DiskExamination(try Disk(disk.path, isWriting: false)).recovery != nil)
    // Whoever chooses the partition in the firmware's menu does not wait: there is nothing to go on with.
    let name = HandOver.path
    await #expect(throws: DiskImage.Unusable.self) { try await disk.file(name, at: done.partition.start) }
    let chooser = String(
      decoding: try await disk.file(InstalledSlots.chooserPath, at: done.partition.start), as: UTF8.self)
    #expect(chooser.contains("-f \"($root)/\(name)\" ]; then\n  echo \"Press Esc"), "\(chooser)")
  }

  @Test func theOtherEntriesAreMadeNevertheless() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    try disk.folder.write("boot/grub/grub.cfg", "source ${config_directory}/custom.cfg\n")
    try FileTree.makeFolder(disk.folder.path.pushing("efi"))
    let boot = boot(
      disk.folder.path, firmware: "efi", program: Efibootmgr(environment: ["EFIVARFS_PATH": "/nonexistent/"]))
    let (plan, done) = try await install(disk, boot)
    #expect(plan.boot.count == 2)
    #expect(done.boot.entries.map(\.kind) == [.grub] && done.boot.failure?.code == "boot-entries-incomplete")
    #expect(plan.nextStart(done.boot.entries) == "as before; the recovery is chosen in a menu")
  }

  @Test func aBIOSWithNothingThatStartsIt() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let (plan, done) = try await install(disk, boot(disk.folder.path, firmware: "none"))
    #expect(plan.boot.count == 1 && plan.boot[0].hasPrefix("no boot entry: nothing starts the recovery partition"))
    #expect(done.boot.failure?.code == "no-boot-entry" && done.boot.failure?.remedy?.contains("--mbr-chain") == true)
    #expect(done.boot.failure?.kind == .partial)
  }
}
