// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// Loaders and chooser that an update brings, and what of them is there when the power is cut.
struct EntranceTests {
  /// The loaders of the medium, and their digests on it.
  private static let loaders = ["EFI/BOOT/BOOTX64.EFI", "EFI/BOOT/grubx64.efi"]

  private func digests(_ disk: DiskImage, _ installer: RecoveryInstaller? = nil) throws -> [String: Digest] {
    let volume = try (installer ?? disk.installer()).slots().volume
    return try Dictionary(
      uniqueKeysWithValues: (Self.loaders + [InstalledSlots.chooserPath]).map { ($0, try volume.digest(of: $0)) })
  }

  private func newer() async throws -> FilePath { try await SmallMedia.shared.iso(number: 5, age: .newer) }

  @Test func newLoadersReplaceOldOnes() async throws {
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let done = try await disk.install(
      try await SmallMedia.shared.iso(), .init(size: .mebibytes(300), wish: BootWish(hotkeyDelay: 7)))
    let before = try digests(disk)
    let update = try await disk.update(try await newer())
    let after = try digests(disk)
    #expect(Self.loaders.allSatisfy { update.copied.contains($0) && before[$0] != after[$0] })
    #expect(!update.copied.contains { $0.hasPrefix("EFI/BOOT/mm") || $0.hasPrefix("boot/grub/") }, "\(update.copied)")
    // What a foreign program reads is what the medium has.
    let esp = disk.folder.appending("esp")
    try await RecoverySet(try await newer(), key: nil) { _ in }.writeSystemPartition(to: esp)
    for name in Self.loaders {
      let wanted = try await Tool.run(
        "mtype", ["-i", esp.string, "::/\(name)"], environment: ["MTOOLSRC": "/dev/null"])
      #expect(try await disk.file(name, at: done.partition.start) == wanted.bytes, "\(name)")
    }
    // The delay that was asked for at the installation stays.
    let chooser = String(
      decoding: try await disk.file(InstalledSlots.chooserPath, at: done.partition.start), as: UTF8.self)
    #expect(
      chooser.contains("sleep --interruptible 7;")
        && after[InstalledSlots.chooserPath] == before[InstalledSlots.chooserPath])
    try await disk.requireCleanVolume(done.partition)
    #expect(try await disk.update(try await newer()).isNew == false)
  }

  /// A chooser of another Lifeboat, and a loader with a flipped byte, are mended by the same medium; both versions stay.
  @Test func theSameMediumMendsThem() async throws {
    let prepared = try await UpdateTests.prepare()
    try await prepared.disk.update(prepared.second)
    let whole = try digests(prepared.disk)
    let installer = try prepared.disk.installer()
    for path in [InstalledSlots.chooserPath, Self.loaders[0]] {
      let slots = try installer.slots()
      let place = slots.partition.start.bytes + (try #require(slots.volume.ranges(of: path).first?.lowerBound)) + 300
      try installer.disk.write([0xff], at: place)
    }
    let state = try installer.slots().state
    let second = try await RecoverySet(prepared.second, key: nil) { _ in }
    let update = try await installer.update(to: second, allowing: .init())
    #expect(update.copied.sorted() == [Self.loaders[0], InstalledSlots.chooserPath] && update.isNew)
    #expect(try digests(prepared.disk, installer) == whole)
    let status = try await installer.status()
    #expect(status.state == state && status.slots.allSatisfy { $0.damage.isEmpty })
  }

  /// Firmware may have been told that older loaders are revoked.
  @Test func anOlderMediumLeavesThem() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    try await disk.install(try await newer())
    let before = try digests(disk)
    let older = try await RecoverySet(try await SmallMedia.shared.iso(age: .past), key: nil) { _ in }
    let update = try await disk.installer().update(to: older, allowing: .init(downgrade: true))
    #expect(update.isNew && !update.copied.contains { $0.hasPrefix("EFI/") })
    #expect(try digests(disk) == before)
  }

  /// The power is cut in a write: each loader is the old one or the new one, whole, and never does a new shim meet the
  /// older GRUB; the current version is whole; and the next update ends well.
  @Test(arguments: 0..<4) func aPowerCut(part: Int) async throws {
    let stride = HostEnvironment["LIFEBOAT_BOOT_TESTS"] == nil ? 12 : 4
    let prepared = try await UpdateTests.prepare()
    let next = try await RecoverySet(try await newer(), key: nil) { _ in }
    let old = try digests(prepared.disk)
    let whole = prepared.disk.folder.appending("whole")
    try await ImageMaker.copy(prepared.disk.path, to: whole)
    var seen: Set<[Bool]> = []
    var (cut, isCut) = (part, true)
    while isCut {
      try await ImageMaker.copy(whole, to: prepared.disk.path)
      let disk = try Disk(prepared.disk.path, isWriting: true)
      var installer = try prepared.disk.installer(disk)
      installer.access = CutDisk(disk, after: cut)
      do {
        _ = try await installer.update(to: next, allowing: .init())
        isCut = false
      } catch is CutDisk.Cut { isCut = true }
      installer.access = disk
      let found = try digests(prepared.disk, installer)
      let isNew = Self.loaders.map { found[$0] != old[$0] }
      seen.insert(isNew)
      #expect(isNew == [true, true] || !isNew[0], "a new shim before its GRUB after \(cut) writes")
      let slots = try installer.slots()
      #expect(try slots.damage(of: slots.state.current).isEmpty, "after \(cut) writes")
      _ = try await installer.update(to: next, allowing: .init())
      let done = try digests(prepared.disk, installer)
      for name in Self.loaders {
        #expect(
          done[name] != old[name] && (found[name] == old[name] || found[name] == done[name]), "after \(cut) writes")
      }
      let status = try await installer.status()
      #expect(status.state.current == next.identifier && status.slots.allSatisfy { $0.damage.isEmpty })
      try await prepared.disk.requireCleanVolume(status.partition)
      cut += stride
    }
    #expect(seen.contains([true, true]) && seen.contains([false, false]))
  }
}
