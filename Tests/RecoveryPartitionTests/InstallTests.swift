// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// Installing into image files: the table judged by sfdisk and sgdisk, the content by mtools and fsck.fat.
@Suite struct InstallTests {
  @Test func intoAGPT() async throws {
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let before = try disk.digest(1 << 20..<317 << 20)
    let done = try await disk.install(
      try await SmallMedia.shared.iso("tier1", [.x64, .x86]), .init(size: .mebibytes(300), isHidden: true))
    #expect(try disk.digest(1 << 20..<317 << 20) == before)

    #expect(done.partition.number == 4 && done.partition.table == .gpt && done.partition.sectorSize == 512)
    #expect(done.partition.start.bytes == 317 << 20 && done.partition.size == .mebibytes(300))
    let table = try await disk.table()
    #expect(
      table.contains(
        "disk4 : start=      649216, size=      614400, type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC, uuid="
          + done.partition.partitionUUID.uppercased()
          + ", name=\"Lifeboat\", attrs=\"RequiredPartition GUID:62,63\""), "\(table)")
    let judged = try await Tool.run("sgdisk", ["-v", disk.path.string])
    #expect(judged.output.contains("No problems found"), "\(judged)")
    try await disk.requireCleanVolume(done.partition)
  }

  @Test func theContentIsTheMediums() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let medium = try await SmallMedia.shared.iso()
    let done = try await disk.install(medium)
    let set = try await RecoverySet(medium, key: nil) { _ in }
    let start = done.partition.start
    let volume = try FATVolume(DiskPart(disk: try Disk(disk.path, isWriting: false), start: start.bytes))
    #expect(volume.geometry.serial == done.partition.fileSystemSerial)
    let files = try set.files(startedFrom: try RecoveryInstaller.place(in: volume))
    for file in files + set.look {
      #expect(Digest(of: try await disk.file(file.path, at: start)) == file.digest, "\(file.path)")
    }
    // What our own reader sees is what mtools sees, letter for letter.
    let listing = try await Tool.run(
      "mdir", ["-/", "-b", "-a", "-i", "\(disk.path)@@\(start.bytes)", "::"], environment: ["MTOOLSRC": "/dev/null"])
    #expect(
      listing.lines.filter { !$0.hasSuffix("/") }.map { String($0.dropFirst(3)) }.sorted() == volume.files,
      "\(listing)")
    for name in ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi", "EFI/BOOT/BOOTIA32.EFI", "EFI/BOOT/mmx64.efi"] {
      #expect(volume.nodes[name]?.isFolder == false, "\(volume.files)")
    }
    let state = SlotState(try await disk.file("lifeboat/state", at: start))
    #expect(state == SlotState(current: set.identifier))
    let environment = try disk.folder.write("state", try await disk.file("lifeboat/state", at: start))
    #expect(try await Tool.run("grub-editenv", [environment.string, "list"]).status == 0)
  }

  /// GRUB's own parser takes the menus; in them is where the initrd finds the state.
  @Test func theMenus() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let medium = try await SmallMedia.shared.iso()
    let done = try await disk.install(
      medium, .init(size: .mebibytes(300), wish: BootWish(hotkeyDelay: 3)))
    let set = try await RecoverySet(medium, key: nil) { _ in }
    let chooser = try await disk.file("boot/grub/grub.cfg", at: done.partition.start)
    let menu = try await disk.file("lifeboat/\(set.identifier)/menu.cfg", at: done.partition.start)
    for text in [chooser, menu] {
      let file = try disk.folder.write("menu", text)
      let outcome = try await Tool.run("grub-script-check", [file.string])
      #expect(outcome.status == 0, "\(outcome)")
    }
    let words = String(decoding: menu, as: UTF8.self)
    let offset = try #require(words.firstMatch(of: /lifeboat\.state=([0-9]+)/)).output.1
    let raw = try Disk(disk.path, isWriting: false)
    let place = done.partition.start.bytes + (try #require(Int64(String(offset))))
    #expect(SlotState(try raw.bytes(place..<(place + 1024))) == SlotState(current: set.identifier))
    #expect(words.firstRange(of: "BitLocker may ask for its recovery key.\"\n            sleep 3\n") != nil)
    #expect(words.contains("lifeboat.partition=\(done.partition.fileSystemSerial) "))
    #expect(words.contains("'quirk=it'\\''s' 'norandmaps'"), "\(words)")
  }

  @Test func intoAnMBRAsAPrimaryPartition() async throws {
    let disk = try await DiskImage(
      "label: dos\nlabel-id: 0x1b2c3d4e\nstart=2048, size=204800, type=7, bootable", data: [1 << 20..<2 << 20])
    let before = try disk.digest(1 << 20..<101 << 20)
    let code = try disk.digest(0..<440)
    let done = try await disk.install(
      try await SmallMedia.shared.iso(), .init(size: .mebibytes(300), isHidden: true))
    #expect(try disk.digest(1 << 20..<101 << 20) == before && disk.digest(0..<440) == code)
    #expect(done.partition.number == 2 && done.partition.table == .mbr)
    #expect(done.partition.partitionUUID == "1b2c3d4e-02")
    let table = try await disk.table()
    #expect(table.contains("disk2 : start=      206848, size=      614400, type=1c"), "\(table)")
    try await disk.requireCleanVolume(done.partition)
  }

  @Test func intoAnMBRAsALogicalPartition() async throws {
    let disk = try await DiskImage(
      """
      label: dos
      start=2048, size=20480, type=7
      start=22528, size=20480, type=7
      start=43008, size=20480, type=7
      start=63488, size=1200000, type=5
      start=65536, size=20480, type=83
      """, data: [32 << 20..<33 << 20])
    let before = try disk.digest(32 << 20..<42 << 20)
    let done = try await disk.install(try await SmallMedia.shared.iso())
    #expect(try disk.digest(32 << 20..<42 << 20) == before)
    #expect(done.partition.number == 6)
    let table = try await disk.table()
    #expect(table.contains("disk6 : start=") && table.contains("size=      614400, type=c"), "\(table)")
    try await disk.requireCleanVolume(done.partition)
  }

  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func onSectorsOf4096Bytes() async throws {
    let disk = try await DiskImage("", mebibytes: 700)
    try await Loop.with(disk.path, ["--sector-size", "4096"]) { device in
      let script = "label: gpt\nstart=256, size=2560, type=L, name=\"data\"\n"
      #expect(try await Tool.run("sfdisk", ["-q", device.string], input: Array(script.utf8)).status == 0)
      let done = try await disk.install(try await SmallMedia.shared.iso(), on: device)
      #expect(done.partition.sectorSize == 4096 && done.partition.start.bytes % (1 << 20) == 0)
      let judged = try await Tool.run("sgdisk", ["-v", device.string])
      #expect(judged.output.contains("No problems found"), "\(judged)")
      let listing = try await Tool.run("sfdisk", ["--json", device.string])
      #expect(listing.output.contains("\"sectorsize\": 4096") && listing.output.contains("\"name\": \"Lifeboat\""))
      _ = try await Tool.run("partx", ["-d", device.string])
      try await disk.requireCleanVolume(done.partition)
    }
  }

  @Test func aRemovalLeavesTheTableAsItWas() async throws {
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let table = try await disk.table()
    let data = try disk.digest(1 << 20..<317 << 20)
    try await disk.install(try await SmallMedia.shared.iso())
    let installer = try disk.installer()
    let status = try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
    let done = try await installer.remove(status, keepsPartition: false)
    #expect(!done.isKept && done.isKnownToKernel)
    #expect(try await disk.table() == table)
    #expect(try disk.digest(1 << 20..<317 << 20) == data)
    await #expect(throws: RecoveryPartitionFailure.absent(disk.path)) { try await installer.status() }
  }

  @Test func aKeptPartitionIsNoRecoveryPartitionAnyMore() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let partition = try await disk.install(try await SmallMedia.shared.iso()).partition
    let installer = try disk.installer()
    let status = try await installer.planRemoval(keepsPartition: true, isBitLockerSuspended: false)
    _ = try await installer.remove(status, keepsPartition: true)
    #expect(try await disk.table().contains(partition.partitionUUID.uppercased()))
    #expect(try DiskExamination(try Disk(disk.path, isWriting: false)).recovery == nil)
  }
}
