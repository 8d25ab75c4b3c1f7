// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// Disks that are left as they are, each with a reason and a remedy.
@Suite struct RefusalTests {
  /// The code with which an installation is refused; the image has to be as before.
  private func refusal<Failure: Diagnosable & Equatable>(
    _ disk: DiskImage, _ request: RecoveryInstaller.Request = .init(size: .mebibytes(300)),
    as kind: Failure.Type = RecoveryPartitionFailure.self
  ) async throws -> Failure? {
    let before = try Digest(ofFile: disk.path)
    defer { #expect((try? Digest(ofFile: disk.path)) == before) }
    do {
      try await disk.install(try await SmallMedia.shared.iso(), request)
    } catch let failure as Failure {
      #expect(failure.remedy?.isEmpty == false && [.refusedTarget, .badRequest].contains(failure.kind))
      return failure
    }
    return nil
  }

  /// Its initial RAM file system does not know the kind of start.
  @Test func aMediumThatIsTooOld() async throws {
    let old = try await SmallMedia.shared.iso(number: 9, age: .old)
    let disk = try await DiskImage(DiskImage.windows)
    let before = try Digest(ofFile: disk.path)
    await #expect(throws: RecoveryPartitionFailure.cannotStart(image: "tier1")) { try await disk.install(old) }
    #expect(try Digest(ofFile: disk.path) == before)
    try await disk.install(try await SmallMedia.shared.iso())
    let installed = try Digest(ofFile: disk.path)
    await #expect(throws: RecoveryPartitionFailure.cannotStart(image: "tier1")) { try await disk.update(old) }
    #expect(try Digest(ofFile: disk.path) == installed)
    let failure = RecoveryPartitionFailure.cannotStart(image: "tier1")
    #expect(failure.kind == .badInput && failure.remedy == "Build it again with this version of Lifeboat.")
  }

  /// Microcode comes first, not compressed.
  @Test func theArchiveOfAnInitrdIsFoundBehindOthers() {
    let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]
    #expect(InitrdContent.start(of: Array("070701".utf8) + [0, 0] + magic) == 8)
    #expect(InitrdContent.start(of: magic) == 0)
    #expect(InitrdContent.start(of: [0] + magic + [0, 0, 0]) == nil && InitrdContent.start(of: []) == nil)
  }

  @Test func noTable() async throws {
    let disk = try await DiskImage("")
    #expect(try await refusal(disk, as: DiskFailure.self) == .noTable(disk.path))
  }

  @Test func fourPrimaries() async throws {
    let disk = try await DiskImage(
      """
      label: dos
      size=20480, type=7
      size=20480, type=7
      size=20480, type=7
      size=20480, type=7
      """)
    let failure = try await refusal(disk, as: DiskFailure.self)
    #expect(failure?.code == "no-partition-entry", "\(String(describing: failure))")
  }

  @Test func noFreeSpace() async throws {
    let disk = try await DiskImage("label: gpt\nsize=1024000, type=L\n", mebibytes: 700)
    _ = try await Tool.run("mkfs.ext4", ["-q", "-E", "offset=\(1 << 20)", disk.path.string, "500M"])
    let failure = try await refusal(disk)
    guard case .noRoom(_, let needed, let largest, let advice)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(needed == .mebibytes(300) && largest < needed)
    #expect(advice.count == 3 && advice[0].hasPrefix("Make room") && advice[1].contains("recovery medium"), "\(advice)")
    // What is free behind the partition is not asked for again.
    let sectors = (700 - 1 - 300 - 1) * 2048
    #expect(advice[2].contains("can give ") && advice[2].contains("106.9 MB are needed"), "\(advice)")
    #expect(advice[2].hasSuffix(" 398M && echo ',\(sectors)' | sfdisk -N 1 \(disk.path)"), "\(advice)")
    #expect(advice[2].contains("attached (losetup -P -f --show \(disk.path)), unmounted: e2fsck -fp /dev/loopNp1 &&"))
  }

  /// The commands of the advice, one after the other, on the disk that it was given for.
  @Test(.enabled(if: Loop.isAllowed, "needs root and loop devices")) func theAdviceMakesRoom() async throws {
    let disk = try await DiskImage("label: gpt\nsize=1024000, type=L\n", mebibytes: 700)
    _ = try await Tool.run("mkfs.ext4", ["-q", "-E", "offset=\(1 << 20)", disk.path.string, "500M"])
    let before = try await disk.table()
    guard case .noRoom(_, _, _, let advice)? = try await refusal(disk) else {
      Issue.record("there was room")
      return
    }
    let commands = try #require(advice.last?.split(separator: ": ", maxSplits: 1).last)
    // A partition of a loop device is one of its own here, which needs nobody to make its node.
    try await Loop.with(disk.path, ["--offset", "\(1 << 20)", "--sizelimit", "\(500 << 20)"]) { device in
      let words = commands.replacing("/dev/loopNp1", with: device.string)
      let outcome = try await Tool.run("sh", ["-c", String(words)])
      #expect(outcome.status == 0, "\(outcome)")
    }
    let identity = /uuid=[0-9A-F-]+/
    #expect(try await disk.table().matches(of: identity).map(\.output) == before.matches(of: identity).map(\.output))
    try await disk.install(try await SmallMedia.shared.iso())
    let judged = try await Tool.run("e2fsck", ["-fn", "\(disk.path)?offset=\(1 << 20)"])
    #expect(judged.status == 0, "\(judged)")
  }

  /// Less than Lifeboat would take by itself, but enough.
  @Test func aSmallerSizeIsSaid() async throws {
    let disk = try await DiskImage(DiskImage.windows, mebibytes: 640)
    let failure = try await refusal(disk, .init())
    #expect(failure?.remedy?.hasPrefix("Give --size 322M: ") == true, "\(String(describing: failure))")
    try await disk.install(try await SmallMedia.shared.iso(), .init(size: .mebibytes(322)))
  }

  private func advice(_ table: DiskLayout.Table, _ content: String) -> String? {
    let partition = DiskLayout.Partition(
      number: 2, start: .mebibytes(2), size: .mebibytes(9000), type: "", kind: "", uuid: "1b2c-02", content: content)
    let layout = DiskLayout(
      table: table, identifier: "", size: .mebibytes(9010), sectorSize: 512, partitions: [partition], gaps: [])
    return ShrinkAdvice(
      size: .mebibytes(1000), least: nil, layout: layout, disk: "/dev/nvme0n1", isFile: false, smallest: [:]
    ).lines.dropFirst().last
  }

  @Test func eachFileSystemHasItsCommands() {
    let table = "echo ',16384000' | sfdisk -N 2 /dev/nvme0n1"
    #expect(
      advice(.gpt, "ext4 \"root\"")?.hasSuffix(
        "unmounted: e2fsck -fp /dev/nvme0n1p2 && resize2fs /dev/nvme0n1p2 8000M && \(table)") == true)
    #expect(advice(.gpt, "btrfs")?.hasSuffix("filesystem resize 8000M MOUNTPOINT, then unmounted: \(table)") == true)
    #expect(
      advice(.gpt, "LVM2_member")?.hasSuffix(
        "pvresize --setphysicalvolumesize 8000M /dev/nvme0n1p2 && \(table)") == true)
    #expect(
      advice(.gpt, "ntfs \"Windows\"")?.hasSuffix(
        "Get-Partition | Where-Object Guid -eq '{1b2c-02}' | Resize-Partition -Size 8000MB") == true)
    #expect(advice(.mbr, "ntfs")?.contains("Resize-Partition -DriveLetter LETTER -Size 8000MB") == true)
    #expect(advice(.gpt, "BitLocker")?.contains("with BitLocker suspended: Get-Partition") == true)
    #expect(advice(.gpt, "xfs")?.hasSuffix("XFS cannot be shrunk") == true && advice(.gpt, "swap") == nil)
  }

  /// What the advice says is so: the file system can be made as small.
  @Test func whatAnExtFileSystemCanGive() async throws {
    let disk = try await DiskImage("label: gpt\nsize=614400, type=L\n", mebibytes: 310)
    let name = "\(disk.path)?offset=\(1 << 20)"
    _ = try await Tool.run("mkfs.ext4", ["-q", "-E", "offset=\(1 << 20)", disk.path.string, "300M"])
    let target = try Disk(disk.path, isWriting: false)
    let sizes = await SmallestSize.all(of: target, try DiskExamination(target).layout)
    let smallest = try #require(sizes[1])
    #expect(smallest > .mebibytes(1) && smallest < .mebibytes(100))
    let failure = try await refusal(disk)
    guard case .noRoom(_, _, _, let advice)? = failure else {
      Issue.record("\(String(describing: failure))")
      return
    }
    #expect(advice.count == 2 && advice[1].contains("can give only 2"), "\(advice)")
    let outcome = try await Tool.run("resize2fs", ["-f", name, "\(smallest.bytes / 1024)K"])
    #expect(outcome.status == 0, "\(outcome)")
  }

  @Test(.enabled(if: Loop.isAllowed && Tool.isInstalled("ntfsresize"), "needs root, loop devices and ntfs-3g"))
  func whatAnNTFSCanGive() async throws {
    let disk = try await DiskImage("", mebibytes: 300)
    try await Loop.with(disk.path) { device in
      let made = try await Tool.run("mkntfs", ["-q", "-Q", device.string])
      #expect(made.status == 0, "\(made)")
      let text = try await SmallestSize.ntfsresize(device.string).text()
      let smallest = try #require(SmallestSize.ntfs(text), "\(text)")
      #expect(smallest > .mebibytes(1) && smallest < .mebibytes(100))
      let outcome = try await Tool.run("ntfsresize", ["-n", "-f", "-s", "\(smallest.bytes)", device.string])
      #expect(outcome.status == 0, "\(outcome)")
    }
  }

  @Test func whatTheProgramsSayIsRead() {
    let size = SmallestSize.ext(
      resize2fs: "Estimated minimum size of the filesystem: 18070\n", dumpe2fs: "x\nBlock size:               1024\n")
    #expect(size == ByteCount(18_503_680))
    #expect(SmallestSize.ext(resize2fs: "Couldn't find valid filesystem", dumpe2fs: "") == nil)
    #expect(SmallestSize.ntfs("You might resize at 2568192 bytes or 3 MB (freeing 207 MB).") == ByteCount(2_568_192))
    #expect(SmallestSize.ntfs("ERROR: Volume is scheduled for check.") == nil)
    #expect(SmallestSize.resize2fs("/dev/sda2").arguments == ["-P", "/dev/sda2"])
    #expect(SmallestSize.dumpe2fs("/dev/sda2").arguments == ["-h", "/dev/sda2"])
    #expect(SmallestSize.ntfsresize("/dev/sda3").arguments == ["--info", "--force", "--no-progress-bar", "/dev/sda3"])
  }

  @Test func allEntriesOfAGPTAreTaken() async throws {
    let script = "label: gpt\n" + String(repeating: "size=2048, type=L\n", count: 128)
    let failure = try await refusal(try await DiskImage(script), as: DiskFailure.self)
    #expect(failure?.code == "no-partition-entry", "\(String(describing: failure))")
  }

  @Test func tooSmallASize() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    #expect(
      try await refusal(disk, .init(size: .mebibytes(100)))
        == .tooSmall(asked: .mebibytes(100), needed: .mebibytes(260)))
    let most = ByteCount.mebibytes(32768)
    #expect(try await refusal(disk, .init(size: .mebibytes(32769))) == .tooLarge(asked: .mebibytes(32769), most: most))
  }

  @Test func aHybridRecord() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    #expect(try await Tool.run("sgdisk", ["-h", "3", disk.path.string]).status == 0)
    #expect(try await refusal(disk, as: DiskFailure.self) == .hybrid(disk.path))
  }

  @Test func aDamagedBackup() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let end = Int64(640 << 20)
    let file = try FileDescriptor.open(disk.path, .writeOnly)
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: end - 512, [UInt8](repeating: 0, count: 512)) }
    #expect(try await refusal(disk, as: DiskFailure.self)?.code == "partition-table-damaged")
  }

  /// An image that was copied to a larger disk: the backup is not at its end.
  @Test func aTableOfAnotherSize() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let file = try FileDescriptor.open(disk.path, .writeOnly)
    try file.closeAfter { try file.resize(to: 700 << 20) }
    #expect(try await refusal(disk, as: DiskFailure.self)?.code == "partition-table-damaged")
  }

  @Test func overlaps() async throws {
    let disk = try await DiskImage(
      "label: dos\nstart=2048, size=204800, type=7\nstart=206848, size=204800, type=7\n")
    let file = try FileDescriptor.open(disk.path, .writeOnly)
    // The second entry's first sector, inside the first one.
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: 446 + 16 + 8, [0x00, 0x10, 0, 0] as [UInt8]) }
    #expect(try await refusal(disk, as: DiskFailure.self)?.code == "partition-table-damaged")
  }

  @Test func aWholeDiskOfLUKS() async throws {
    let disk = try await DiskImage("", mebibytes: 64)
    let outcome = try await Tool.run(
      "cryptsetup",
      ["-q", "luksFormat", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", disk.path.string, "-"],
      input: Array("word".utf8))
    #expect(outcome.status == 0, "\(outcome)")
    #expect(try await refusal(disk) == .wholeDisk(disk.path, type: "crypto_LUKS"))
  }

  @Test func anotherInstallation() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    try await disk.install(try await SmallMedia.shared.iso())
    #expect(try await refusal(disk) == .exists(disk.path, number: 4))
  }

  /// Somebody's file system of the same name stays, unless the table says whose it is.
  @Test(arguments: ["Lifeboat", "data"]) func aForeignFileSystemOfThatName(name: String) async throws {
    let disk = try await DiskImage("label: gpt\nsize=614400, type=L, name=\"\(name)\"\n")
    let volume = ["-F", "32", "-n", "LIFEBOATREC", "--offset", "2048", disk.path.string, "307200"]
    #expect(try await Tool.run("mkfs.vfat", volume).status == 0)
    let before = try Digest(ofFile: disk.path)
    let installer = try disk.installer()
    if name == "Lifeboat" {
      _ = try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
    } else {
      await #expect(throws: RecoveryPartitionFailure.foreign(disk.path, number: 1)) {
        try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
      }
    }
    #expect(try Digest(ofFile: disk.path) == before)
  }

  @Test func removingWouldRenumber() async throws {
    let disk = try await DiskImage(
      """
      label: dos
      start=2048, size=1300000, type=5
      start=4096, size=20480, type=83
      """)
    try await disk.install(try await SmallMedia.shared.iso())
    let added = try await Tool.run(
      "sfdisk", ["-q", "--append", disk.path.string], input: Array("start=1000000, size=20480, type=83\n".utf8))
    #expect(added.status == 0, "\(added)")
    let installer = try disk.installer()
    let number = try #require(try DiskExamination(installer.disk).recovery?.number)
    #expect(number == 6)
    await #expect(throws: RecoveryPartitionFailure.renumbers(disk.path, number: number)) {
      try await installer.planRemoval(keepsPartition: false, isBitLockerSuspended: false)
    }
  }

  /// A medium that cannot be trusted is refused before the disk is looked at.
  @Test func aDamagedMedium() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let before = try Digest(ofFile: disk.path)
    let medium = try flipped(
      try await SmallMedia.shared.iso(), at: 400_000, to: disk.folder.appending("flipped.iso"))
    await #expect(throws: (any Error).self) { try await disk.install(medium) }
    #expect(try Digest(ofFile: disk.path) == before)
  }

  @Test func aMediumOfAnotherKey() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let key = FilePath(try await SmallMedia.shared.key().string + ".pub")
    try await disk.install(
      try await SmallMedia.shared.iso(), .init(size: .mebibytes(300), key: try FileTree.bytes(of: key)))
    let installed = try #require(try disk.installer().installedKey())
    for signer in [nil, SmallMedia.Key.other] {
      let medium = try await SmallMedia.shared.iso(number: 5, signedBy: signer)
      await #expect { try await RecoverySet(medium, installedKey: installed) { _ in } } throws: { error in
        (error as? RecoveryPartitionFailure)?.code == "not-trusted"
      }
    }
    let good = try await SmallMedia.shared.iso(number: 5)
    _ = try await RecoverySet(good, installedKey: installed) { _ in }
  }
}
