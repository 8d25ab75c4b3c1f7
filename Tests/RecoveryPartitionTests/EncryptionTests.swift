// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// What is encrypted on a disk; the metadata of BitLocker that the tests make is judged by cryptsetup.
@Suite struct EncryptionTests {
  static let size = 8 << 20

  /// The first mebibytes of a BitLocker volume with these protectors: 0 is a clear key, 0x100 the TPM, 0x800 a
  /// recovery password.
  static func volume(_ protectors: [UInt16]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    func put(_ value: Int, _ count: Int, at offset: Int) {
      for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    }
    func put(_ content: [UInt8], at offset: Int) {
      bytes.replaceSubrange(offset..<offset + content.count, with: content)
    }
    let signature = Array("-FVE-FS-".utf8)
    let places = [1 << 20, 2 << 20, 3 << 20]
    put([0xeb, 0x58, 0x90] + signature, at: 0)
    put(512, 2, at: 11)
    put([0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0, 0x01], at: 160)
    for (index, place) in places.enumerated() { put(place, 8, at: 176 + 8 * index) }
    put([0x55, 0xaa], at: 510)
    for place in places {
      var end = 112
      // An entry's head: its length, what it is, what its value is, and a version.
      func entry(_ length: Int, _ kind: Int, _ value: Int) {
        for (index, number) in [length, kind, value, 1].enumerated() { put(number, 2, at: place + end + 2 * index) }
        end += 8
      }
      let keyLength = 8 + 12 + 16 + 44
      for (index, protector) in protectors.enumerated() {
        entry(36 + keyLength, 2, 8)
        put([UInt8](repeating: UInt8(index + 1), count: 16), at: place + end)
        put(Int(protector), 2, at: place + end + 26)
        end += 28
        entry(keyLength, 0, 5)
        end += keyLength - 8
      }
      entry(keyLength, 3, 5)
      end += keyLength - 8
      let description = "PC C: 25/11/2026\0".utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
      entry(8 + description.count, 7, 2)
      put(description, at: place + end)
      end += description.count
      put(signature, at: place)
      put(end / 16 + 1, 2, at: place + 8)
      put(2, 2, at: place + 10)
      put(4, 2, at: place + 12)
      put(4, 2, at: place + 14)
      put(size, 8, at: place + 16)
      put(16, 4, at: place + 28)
      for (index, other) in places.enumerated() { put(other, 8, at: place + 32 + 8 * index) }
      put(4 << 20, 8, at: place + 56)
      put(end - 64, 4, at: place + 64)
      put(1, 4, at: place + 68)
      put(48, 4, at: place + 72)
      put(end - 64, 4, at: place + 76)
      put([UInt8](repeating: 7, count: 16), at: place + 80)
      put(0x8004, 4, at: place + 100)
    }
    return bytes
  }

  /// A disk whose Windows is such a volume.
  private func disk(_ protectors: [UInt16], breaking: Bool = false) async throws -> DiskImage {
    let disk = try await DiskImage(DiskImage.windows)
    let file = try FileDescriptor.open(disk.path, .writeOnly)
    var bytes = Self.volume(protectors)
    if breaking { for place in [1, 2, 3] { bytes[(place << 20) + 66] = 0x7f } }
    _ = try file.closeAfter { try file.writeAll(toAbsoluteOffset: 239616 * 512, bytes) }
    return disk
  }

  @Test(arguments: [([0x100, 0x800], "TPM"), ([0x100, 0x800, 0], "clear key")] as [([UInt16], String)])
  func cryptsetupReadsTheFixture(protectors: [UInt16], words: String) async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("volume", Self.volume(protectors))
    let outcome = try await Tool.run("cryptsetup", ["bitlkDump", file.string], package: "cryptsetup-bin")
    #expect(outcome.status == 0 && outcome.output.lowercased().contains(words.lowercased()), "\(outcome)")
    #expect(outcome.output.lowercased().contains("clear key") == protectors.contains(0), "\(outcome)")
  }

  @Test func activeBitLockerIsRefused() async throws {
    let disk = try await disk([0x100, 0x800])
    let found = try DiskExamination(try Disk(disk.path, isWriting: false))
    #expect(found.encrypted == [EncryptedVolume(partition: 3, kind: .bitLocker, isSuspended: false)])
    let medium = try await SmallMedia.shared.iso()
    for (said, refusal) in [(false, RecoveryPartitionFailure.BitLockerRefusal.notSaid), (true, .notSuspended)] {
      await #expect(throws: RecoveryPartitionFailure.bitLocker(disk.path, [3], refusal)) {
        try await disk.install(medium, .init(size: .mebibytes(300), isBitLockerSuspended: said))
      }
    }
    let remedy = RecoveryPartitionFailure.bitLocker(disk.path, [3], .notSaid).remedy ?? ""
    #expect(remedy.contains("manage-bde -protectors -disable C:") && remedy.contains("-enable C:"))
  }

  @Test func suspendedBitLockerNeedsAWordAndKeepsTheBootOrder() async throws {
    let disk = try await disk([0x100, 0x800, 0])
    let before = try disk.digest(117 << 20..<317 << 20)
    let medium = try await SmallMedia.shared.iso()
    await #expect(throws: RecoveryPartitionFailure.bitLocker(disk.path, [3], .notSaid)) {
      try await disk.install(medium)
    }
    let set = try await RecoverySet(medium, key: nil) { _ in }
    let installer = try disk.installer()
    let plan = try await installer.plan(
      set, .init(size: .mebibytes(300), wish: BootWish(place: .first), isBitLockerSuspended: true))
    #expect(plan.request.wish == BootWish(place: nil, hasBitLocker: true))
    #expect(plan.nextStart([]).contains("no recovery key as long as BitLocker is suspended"))
    let waiting = try await installer.plan(
      set, .init(size: .mebibytes(300), wish: BootWish(place: .first, hotkeyDelay: 5), isBitLockerSuspended: true))
    #expect(waiting.request.wish == BootWish(place: nil, hasBitLocker: true))
    let chained = RecoveryInstaller(installer.disk, registration: ImageBoot(usesRecord: true)) { _ in }
    await #expect(throws: BootEntryFailure.recordMeasured) {
      try await chained.plan(set, .init(size: .mebibytes(300), isBitLockerSuspended: true))
    }
    _ = try await installer.install(set, plan)
    #expect(try disk.digest(117 << 20..<317 << 20) == before)
  }

  @Test func unreadableMetadataIsNotTakenForSuspended() async throws {
    let disk = try await disk([0], breaking: true)
    let found = try DiskExamination(try Disk(disk.path, isWriting: false))
    #expect(found.hasBitLocker)
    #expect(throws: RecoveryPartitionFailure.bitLocker(disk.path, [3], .unreadable)) {
      try found.requireNoActiveBitLocker(disk.path, saidSuspended: true)
    }
  }

  /// The TPM measures what starts the computer, from whichever disk.
  @Test func bitLockerOnAnotherDiskKeepsTheBootOrder() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let set = try await RecoverySet(try await SmallMedia.shared.iso(), key: nil) { _ in }
    let wish = BootWish(place: .first, hotkeyDelay: 3, hasBitLocker: true)
    let plan = try await disk.installer().plan(set, .init(size: .mebibytes(300), wish: wish))
    #expect(plan.request.wish == BootWish(place: nil, hasBitLocker: true) && plan.encrypted.isEmpty)
  }

  /// The superblock of a container (Apple File System Reference, nx_superblock_t), and the type of CoreStorage.
  @Test func whatAppleEncryptsIsNamed() async throws {
    let table = DiskImage.windows.replacing(
      "type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE", with: "type=53746F72-6167-11AA-AA11-00306543ECAC")
    let disk = try await DiskImage(table)
    var block = [UInt8](repeating: 0, count: 4096)
    block.replaceSubrange(8..<9, with: [1])
    block.replaceSubrange(24..<25, with: [1])
    block.replaceSubrange(32..<40, with: Array("NXSB".utf8) + [0, 0x10, 0, 0])
    block.replaceSubrange(72..<88, with: 1...16)
    let container = try disk.folder.write("container", block + [UInt8](repeating: 0, count: 1 << 20))
    let judge = try await Tool.run("blkid", ["--probe", "-o", "value", "-s", "TYPE", container.string])
    #expect(judge.lines == ["apfs"], "\(judge)")
    let copy = ["if=\(container)", "of=\(disk.path)", "bs=512", "seek=239616", "conv=notrunc"]
    #expect(try await Tool.run("dd", copy).status == 0)
    let found = try DiskExamination(try Disk(disk.path, isWriting: false))
    #expect(found.encrypted.map(\.words) == ["partition 2: CoreStorage", "partition 3: APFS"])
  }

  @Test func aVolumeOfLUKSIsNamed() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let volume = try ImageMaker.sparse(disk.folder.appending("luks"), size: 32 << 20, data: [])
    let arguments = ["-q", "luksFormat", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", volume.string, "-"]
    #expect(try await Tool.run("cryptsetup", arguments, input: Array("word".utf8)).status == 0)
    let copy = ["if=\(volume)", "of=\(disk.path)", "bs=512", "seek=239616", "conv=notrunc"]
    #expect(try await Tool.run("dd", copy).status == 0)
    let found = try DiskExamination(try Disk(disk.path, isWriting: false))
    #expect(found.encrypted.map(\.words) == ["partition 3: LUKS"])
    try found.requireNoActiveBitLocker(disk.path, saidSuspended: false)
  }
}
