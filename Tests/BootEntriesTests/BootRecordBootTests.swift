// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing
import TrialMachine

@testable import BootEntries
@testable import Disks

/// Boot code in an image of a disk, judged by bytes, by dosfstools, and by a virtual BIOS that starts it.
@Suite(.serialized) struct BootRecordBootTests {
  /// A disk with an MBR table: a system whose boot code prints a line, and a recovery partition whose menu does.
  final class Disk: Sendable {
    let folder: TemporaryFolder
    let partition: InstalledPartition
    var image: FilePath { partition.disk }

    init(menu: String = "serial\nterminal_output serial\necho RECOVERY-MENU-IS-UP\nsleep 1\nhalt\n") async throws {
      folder = try TemporaryFolder()
      let image = folder.appending("disk.img")
      let volume = folder.appending("volume.img")
      try await ExternalCommand("truncate", ["-s", "128M", image.string]).run()
      let table =
        "label: dos\nlabel-id: 0x1b2c3d4e\nstart=2048,size=65536,type=7,bootable\nstart=67584,size=163840,type=1c\n"
      let made = try await Tool.run("sfdisk", ["-q", image.string], input: Array(table.utf8))
      try #require(made.status == 0, "\(made)")
      let boot = BootSector.saying("OTHER-SYSTEM-IS-UP")
      let file = try folder.write("boot", boot)
      try await ExternalCommand("dd", ["if=\(file)", "of=\(image)", "conv=notrunc", "status=none"]).run()
      try await ExternalCommand("truncate", ["-s", "80M", volume.string]).run()
      try await ExternalCommand("mkfs.vfat", ["-F", "32", "-s", "1", "-i", "6C696665", volume.string]).run()
      try await ExternalCommand("mmd", ["-i", volume.string, "::/boot", "::/boot/grub"]).run()
      let config = try folder.write("grub.cfg", menu)
      try await ExternalCommand("mcopy", ["-i", volume.string, config.string, "::/boot/grub/grub.cfg"]).run()
      try await ExternalCommand(
        "dd", ["if=\(volume)", "of=\(image)", "bs=512", "seek=67584", "conv=notrunc,sparse", "status=none"]
      ).run()
      FileTree.remove(volume)
      partition = InstalledPartition(
        disk: image, isFile: true, table: .mbr, number: 2, start: ByteCount(67584 * 512), size: .mebibytes(80),
        sectorSize: 512, partitionUUID: "1b2c3d4e-02", fileSystemSerial: "6C69-6665", title: "First aid",
        isHidden: true)
    }

    func sector() throws -> [UInt8] {
      try opened(isWriting: false).bytes(0..<512)
    }

    func opened(isWriting: Bool = true) throws -> Disks.Disk { try .init(image, isWriting: isWriting) }

    func file(_ name: String) -> [UInt8]? {
      try? BootRecordVolume(partition, on: opened(isWriting: false)).volume().content(of: name)
    }

    /// Puts a file into place, as nobody but a test does.
    func put(_ name: String, _ bytes: [UInt8]) async throws {
      try await BootRecordVolume(partition, on: opened()).put([(name, bytes)])
    }

    /// Another boot loader takes the sector over.
    func overwrite(_ code: [UInt8], at offset: Int64 = 0) throws { try opened().write(code, at: offset) }

    /// Writes noise over the file system's tables; whoever starts the core by its sectors does not mind.
    func damage() throws {
      try overwrite(ImageMaker.bytes(4096, seed: 7), at: partition.start.bytes)
    }

    /// The volume as fsck.fat finds it.
    func check() async throws {
      let volume = folder.appending("volume.img")
      try await ExternalCommand(
        "dd", ["if=\(image)", "of=\(volume)", "bs=512", "skip=67584", "count=163840", "conv=sparse", "status=none"]
      ).run()
      let outcome = try await Tool.run("fsck.fat", ["-n", volume.string])
      #expect(outcome.status == 0, "\(outcome)")
    }

    /// Starts the disk on a virtual BIOS, and waits for one of these lines; Esc is pressed where it is wanted.
    func start(pressingEscape: Bool = false, until line: String) async throws -> Bool {
      let machine = TrialMachine(
        medium: image, attachment: .stick, firmware: .bios, memory: .mebibytes(256), hasNetwork: false)
      return try await TemporaryFolder.with { scratch in
        try await machine.run(scratch: scratch, limit: .seconds(180)) { machine in
          try await withThrowingTaskGroup(of: String.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await machine.line { $0.contains("-IS-UP") } }
            if pressingEscape {
              // GRUB waits for it for seconds; the BIOS before it takes no notice.
              group.addTask {
                while true {
                  try await machine.press("esc")
                  try await Task.sleep(for: .milliseconds(300))
                }
              }
            }
            return try await group.next()?.contains(line) ?? false
          }
        }
      }
    }
  }

  let wish = BootWish(place: nil, hotkeyDelay: 3)

  @Test func theTableIsNeverTouchedAndTheOldCodeComesBack() async throws {
    let disk = try await Disk()
    let before = try disk.sector()
    let boot = BootRecordBoot()
    #expect(try await boot.status(of: disk.partition) == [])
    #expect(try await boot.plan(disk.partition, wish).first?.contains("the old one saved") == true)
    #expect(try disk.sector() == before)
    for _ in 1...2 {
      #expect(try await boot.register(disk.partition, wish).map(\.kind) == [.bootRecord])
      let now = try disk.sector()
      #expect(now[..<440] != before[..<440] && now[440...] == before[440...])
      #expect(disk.file(BootRecordFiles.saved) == before)
      #expect(disk.file(BootRecordFiles.own) == Array(now[..<440]))
      try await disk.check()
    }
    #expect(try await boot.status(of: disk.partition).count == 1)
    #expect(try await boot.unregister(disk.partition).count == 1)
    #expect(try disk.sector() == before)
    #expect(disk.file(BootRecordFiles.saved) == nil && disk.file("boot/grub/grub.cfg") != nil)
    #expect(try await boot.unregister(disk.partition) == [])
    try await disk.check()
  }

  @Test func theCoreLiesWhereTheCodeLooks() async throws {
    let disk = try await Disk()
    _ = try await BootRecordBoot().register(disk.partition, wish)
    let sector = try disk.sector()[0x5c..<0x64].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
    let core = try disk.opened(isWriting: false).bytes(sector * 512..<sector * 512 + 1024)
    #expect(core[500..<508].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) } == sector + 1)
    #expect(sector * 512 > disk.partition.start.bytes)
  }

  @Test func anotherLoadersCodeIsLeftAlone() async throws {
    let disk = try await Disk()
    let boot = BootRecordBoot()
    let original = try disk.sector()
    _ = try await boot.register(disk.partition, wish)
    let others = [UInt8](repeating: 0x90, count: 440)
    try disk.overwrite(others)
    await #expect(throws: BootEntryFailure.recordIsForeign(disk.image)) { try await boot.unregister(disk.partition) }
    #expect(try Array(disk.sector()[..<440]) == others)
    #expect(try await boot.status(of: disk.partition) == [])
    // Asked for again, it is what has to come back.
    _ = try await boot.register(disk.partition, wish)
    #expect(disk.file(BootRecordFiles.saved).map { Array($0[..<440]) } == others)
    // What was saved first is there all the same.
    #expect(disk.file(BootRecordFiles.older(Digest(of: original))) == original)
    #expect(try await boot.unregister(disk.partition).count == 1)
    #expect(try Array(disk.sector()[..<440]) == others)
  }

  @Test func aLostSaveIsSaidAndNothingIsWritten() async throws {
    let disk = try await Disk()
    let boot = BootRecordBoot()
    _ = try await boot.register(disk.partition, wish)
    let own = try disk.sector()
    try await disk.put(BootRecordFiles.saved, [1, 2, 3])
    await #expect(throws: BootEntryFailure.savedRecordMissing("/boot/record/saved.bin")) {
      try await boot.unregister(disk.partition)
    }
    // Nor is it called whole.
    await #expect(throws: BootEntryFailure.savedRecordMissing("/boot/record/saved.bin")) {
      try await boot.register(disk.partition, wish)
    }
    #expect(try disk.sector() == own)
  }

  /// The core is loaded by its sectors, whatever the file system looks like: without the partition nothing would start.
  @Test func aDamagedPartitionIsNotTakenFromUnderTheRecord() async throws {
    let disk = try await Disk()
    let boot = BootRecordBoot()
    _ = try await boot.register(disk.partition, wish)
    let own = try disk.sector()
    try disk.damage()
    let failure = BootEntryFailure.recordUnreadable(disk.image)
    for _ in 1...2 {
      await #expect(throws: failure) { try await boot.unregister(disk.partition) }
      await #expect(throws: failure) { try await ImageBoot().unregister(disk.partition) }
    }
    #expect(try disk.sector() == own)
    #expect(try await boot.status(of: disk.partition).map(\.kind) == [.bootRecord])
    #expect(failure.kind == .refusedTarget && failure.remedy?.contains("grub-install \(disk.image)") == true)
    // As the remedy says: with another boot record there is nothing to lose.
    try disk.overwrite(BootSector.saying("OTHER"))
    #expect(try await boot.unregister(disk.partition) == [])
    #expect(try await boot.status(of: disk.partition) == [])
  }

  /// A refusal comes before the other entries are gone.
  @Test func aRecordThatCannotBeGivenBackKeepsTheOthers() async throws {
    let disk = try await Disk()
    let root = disk.folder.path.appending("computer")
    try disk.folder.write("computer/boot/grub/grub.cfg", "source ${config_directory}/custom.cfg\n")
    let firmware = root.appending("none")
    let boot = ComputerBoot(
      firmware: FirmwareBoot(program: Efibootmgr(), firmware: firmware), grub: InstalledGRUB(root: root),
      systemdBoot: SystemdBoot(root: root, firmware: firmware), record: BootRecordBoot(), usesRecord: true)
    #expect(try await boot.register(disk.partition, BootWish(place: nil, hotkeyDelay: 3)).count == 2)
    try disk.damage()
    await #expect(throws: BootEntryFailure.recordUnreadable(disk.image)) { try await boot.unregister(disk.partition) }
    #expect(try await boot.status(of: disk.partition).map(\.kind) == [.grub, .bootRecord])
  }

  @Test func disksThatNoBIOSStarts() async throws {
    let disk = try await Disk()
    let before = try disk.sector()
    var large = disk.partition
    large.sectorSize = 4096
    for boot in [BootRecordBoot(modules: "/nonexistent")] {
      await #expect(throws: BootEntryFailure.modulesMissing("/nonexistent/boot.img")) {
        try await boot.register(disk.partition, wish)
      }
    }
    await #expect {
      try await BootRecordBoot().register(large, wish)
    } throws: {
      ($0 as? BootEntryFailure)?.message.contains("whose sectors have 4096 bytes") == true
    }
    // Without a delay the recovery would start every time.
    await #expect(throws: BootEntryFailure.delayMissing) {
      try await BootRecordBoot().register(disk.partition, BootWish(place: nil))
    }
    #expect(try disk.sector() == before)
  }

  @Test func theOtherSystemStartsWhenNobodyPressesAKey() async throws {
    let disk = try await Disk()
    #expect(try await disk.start(until: "OTHER-SYSTEM"))
    _ = try await BootRecordBoot().register(disk.partition, BootWish(place: nil, hotkeyDelay: 1))
    #expect(try await disk.start(until: "OTHER-SYSTEM"))
  }

  @Test func escapeLeadsToTheRecovery() async throws {
    let disk = try await Disk()
    _ = try await BootRecordBoot().register(disk.partition, BootWish(place: nil, hotkeyDelay: 20))
    #expect(try await disk.start(pressingEscape: true, until: "RECOVERY-MENU"))
  }
}
