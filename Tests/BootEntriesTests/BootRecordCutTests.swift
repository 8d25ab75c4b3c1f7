// SPDX-License-Identifier: GPL-3.0-or-later
import DiskTestSupport
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks

/// The power is cut in each write of a boot record and its files, half of it done: what was there first comes back.
@Suite(.serialized) struct BootRecordCutTests {
  typealias Image = BootRecordBootTests.Disk

  private let wish = BootWish(place: nil, hotkeyDelay: 3)
  private let boot = BootRecordBoot()

  /// What the sector has before, and what is done until the power is cut.
  enum Work: CaseIterable { case first, anotherCore, removal }

  @Test(arguments: Work.allCases) func wherePowerIsCutTheOriginalComesBack(_ work: Work) async throws {
    let image = try await Image()
    let original = try image.sector()
    var partition = image.partition
    if work != .first { _ = try await boot.register(partition, wish) }
    // The serial number is built into the core: another file, in another place, and so another boot code.
    if work == .anotherCore { partition.fileSystemSerial = "1234-5678" }
    let whole = image.folder.appending("whole")
    try await ImageMaker.copy(image.image, to: whole)
    func again() async throws { try await ImageMaker.copy(whole, to: image.image) }

    var (cut, isCut, seen) = (0, true, Set<Bool>())
    while isCut {
      try await again()
      isCut = try await !isDone(image, after: cut) { disk in
        if work == .removal {
          _ = try await boot.unregister(partition, on: disk)
        } else {
          _ = try await boot.register(partition, on: disk, wish)
        }
      }
      let sector = try image.sector()
      seen.insert(sector == original)
      #expect(sector == original || image.file(BootRecordFiles.saved) == original, "after \(cut) writes")
      #expect(sector[440...] == original[440...])
      let left = image.folder.appending("left")
      try await ImageMaker.copy(image.image, to: left)

      // Removed at once.
      let removed = try await boot.unregister(partition)
      #expect(try image.sector() == original && removed.count == (sector == original ? 0 : 1), "after \(cut) writes")
      // The same command again, then removed; what was cut off is mended with it.
      try await ImageMaker.copy(left, to: image.image)
      _ = try await boot.register(partition, wish)
      #expect(try image.sector() != original && image.file(BootRecordFiles.saved) == original, "after \(cut) writes")
      #expect(try await boot.unregister(partition).count == 1)
      #expect(try image.sector() == original, "after \(cut) writes")
      try await image.check()
      cut += 1
    }
    #expect(cut > 3 && seen.contains(false) && (work == .anotherCore || seen.contains(true)))
  }

  /// Cuts that programs left which noted their code before it was in place, and nothing of the code before.
  @Test func aNoteThatIsNewerThanTheSector() async throws {
    let image = try await Image()
    let original = try image.sector()
    _ = try await boot.register(image.partition, wish)
    let first = try image.sector()
    try await image.put(BootRecordFiles.own, [UInt8](repeating: 0x90, count: 440))
    #expect(try await boot.status(of: image.partition).count == 1)
    _ = try await boot.register(image.partition, wish)
    #expect(try image.sector() == first && image.file(BootRecordFiles.saved) == original)
    try await image.put(BootRecordFiles.own, [UInt8](repeating: 0x90, count: 440))
    #expect(try await boot.unregister(image.partition).count == 1)
    #expect(try image.sector() == original)
  }

  /// Our own code, saved in place of the original by such a program, is nothing to give back.
  @Test func ourOwnCodeIsNoOriginal() async throws {
    let image = try await Image()
    _ = try await boot.register(image.partition, wish)
    let own = try image.sector()
    try await image.put(BootRecordFiles.saved, own)
    let failure = BootEntryFailure.savedRecordMissing("/boot/record/saved.bin")
    for registration in [boot, ImageBoot()] as [any BootRegistration] {
      await #expect(throws: failure) { try await registration.unregister(image.partition) }
    }
    #expect(failure.message.contains("is not restored") && failure.kind != .defect)
    #expect(try image.sector() == own)
  }

  /// Works on the image until the power is cut.
  private func isDone(
    _ image: Image, after writes: Int, _ work: (any DiskAccess) async throws -> Void
  ) async throws -> Bool {
    do {
      try await work(CutDisk(try image.opened(), after: writes))
      return true
    } catch is CutDisk.Cut { return false }
  }
}
