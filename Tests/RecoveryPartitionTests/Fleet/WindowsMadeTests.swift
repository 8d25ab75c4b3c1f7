// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// A partition as the script for Windows leaves it: Lifeboat takes it for its own.
@Suite struct WindowsMadeTests {
  private static let serial = "1A2B-3C4D"

  /// The tree of the package in a file system as Windows makes it: more sectors in front, the name in the top folder
  /// alone, and a folder of Windows' own.
  private func disk() async throws -> (disk: DiskImage, identifier: String) {
    let disk = try await DiskImage(
      """
      label: gpt
      start=2048, size=1228800, type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC, name="Basic data partition", \
      attrs="RequiredPartition GUID:62,63"
      """.replacing("\\\n", with: ""))
    let package = try await FleetPackage.small()
    let tree = try await package.make(.powershell, in: disk.folder.path).appending("tree")
    for menu in ["boot/grub/grub.cfg", "lifeboat/\(package.set.identifier)/menu.cfg"] {
      let text = try FileTree.text(of: tree.pushing(FilePath(menu)))
      try AtomicFile.write(
        Array(text.replacing(FleetPackage.serial, with: Self.serial).utf8), to: tree.pushing(FilePath(menu)))
    }
    let format = [
      "-F", "32", "-s", "8", "-R", "4148", "-n", StagedVolume.label, "-i", "1a2b3c4d", "-h", "2048", "--offset", "2048",
      disk.path.string, "614400",
    ]
    #expect(try await Tool.run("mkfs.vfat", format).status == 0)
    let file = try FileDescriptor.open(disk.path, .writeOnly)
    try file.closeAfter {
      for sector in [2048, 2048 + 6] {
        try file.writeAll(toAbsoluteOffset: Int64(sector * 512 + 3), Array("MSDOS5.0".utf8))
        try file.writeAll(toAbsoluteOffset: Int64(sector * 512 + 71), Array("NO NAME    ".utf8))
      }
    }
    let settings = try disk.folder.write("WPSettings.dat", "12 bytes ...")
    let folder = "::/System Volume Information"
    for (program, arguments) in [
      ("mmd", [folder]), ("mcopy", [settings.string, folder]),
      ("mcopy", ["-s"] + FileTree.names(in: tree).map { tree.appending($0).string } + ["::/"]),
    ] {
      let outcome = try await Tool.run(
        program, ["-i", "\(disk.path)@@1M"] + arguments, environment: ["MTOOLSRC": "/dev/null"])
      #expect(outcome.status == 0, "\(outcome)")
    }
    return (disk, package.set.identifier)
  }

  @Test func itIsKnownAndBroughtUpToDate() async throws {
    let (disk, old) = try await disk()
    let found = try await disk.installer().status()
    #expect(found.partition.isHidden && found.partition.fileSystemSerial == Self.serial)
    #expect(found.state == SlotState(current: old) && found.slots.map(\.damage) == [[]])
    await #expect(throws: RecoveryPartitionFailure.exists(disk.path, number: 1)) {
      try await disk.install(try await SmallMedia.shared.iso())
    }
    // Its system cannot take a mark of GRUB's back, which does not know where the state lies.
    let menu = String(
      decoding: try await disk.file("lifeboat/\(old)/menu.cfg", at: found.partition.start), as: UTF8.self)
    #expect(menu.contains("lifeboat.state=0 ") && !menu.contains("save_env"))

    let done = try await disk.update(try await SmallMedia.shared.iso(tools: "newer tools", number: 2))
    #expect(done.isNew && done.previous == old)
    let now = try await disk.installer().status()
    #expect(now.state == SlotState(current: done.identifier, previous: old) && now.slots.map(\.damage) == [[], []])
    let volume = try await RecoveryVolume(partition: 1, of: disk.path)
    #expect(try await volume.state()["current"] == done.identifier)
    for version in [done.identifier, old] { #expect(try await volume.damage(of: version) == nil) }
    let newer = String(decoding: try await volume.content(of: "lifeboat/\(done.identifier)/menu.cfg"), as: UTF8.self)
    #expect(newer.contains("lifeboat.partition=\(Self.serial) ") && newer.contains("save_env"))
    #expect(!newer.contains("lifeboat.state=0 "))
    try await disk.requireCleanVolume(now.partition)
    #expect(try disk.installer().rollBack() == old)
    let status = try await disk.installer().planRemoval(keepsPartition: false, isBitLockerSuspended: false)
    #expect(!(try await disk.installer().remove(status, keepsPartition: false)).isKept)
  }
}
