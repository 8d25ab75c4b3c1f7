// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// Boot entries that were never made, or are lost: the same command again makes them, and so does an update.
@Suite struct EntryCompletionTests {
  /// A computer that remembers its entries, and can refuse to.
  private final class Computer: BootRegistration {
    let entries = Mutex<[BootEntry]>([])
    let wishes = Mutex<[BootWish]>([])
    let refusal = Mutex<(any Error)?>(nil)

    func kinds(for partition: InstalledPartition) -> [BootEntry.Kind] { [.firmware, .grub] }
    func plan(
      _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
    ) async throws -> [String] { [] }
    func status(of partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] {
      entries.withLock { $0 }
    }
    func unregister(_ partition: InstalledPartition, on disk: any DiskAccess) async throws -> [BootEntry] { [] }
    func register(
      _ partition: InstalledPartition, on disk: any DiskAccess, _ wish: BootWish
    ) async throws -> [BootEntry] {
      wishes.withLock { $0.append(wish) }
      if let refusal = refusal.withLock({ $0 }) { throw refusal }
      let all = kinds(for: partition).map { BootEntry(kind: $0, name: $0.rawValue, label: partition.title) }
      entries.withLock { $0 = all }
      return all
    }
  }

  /// The process ended there.
  private struct Killed: Error {}

  private func installer(_ disk: DiskImage, _ computer: Computer) throws -> RecoveryInstaller {
    RecoveryInstaller(try Disk(disk.path, isWriting: true), registration: computer) { _ in }
  }

  private func prepare(_ refusal: any Error) async throws -> (DiskImage, Computer, RecoverySet, (any Error)?) {
    let (disk, computer) = (try await DiskImage(DiskImage.windows), Computer())
    let set = try await RecoverySet(try await SmallMedia.shared.iso(), key: nil) { _ in }
    computer.refusal.withLock { $0 = refusal }
    let installer = try installer(disk, computer)
    let plan = try await installer.plan(set, .init(size: .mebibytes(300)))
    var failure: (any Error)?
    do { failure = try await installer.install(set, plan).boot.failure } catch { failure = error }
    computer.refusal.withLock { $0 = nil }
    return (disk, computer, set, failure)
  }

  @Test func anInstallationThatWasKilledBeforeItsEntryGoesOn() async throws {
    let (disk, computer, set, failure) = try await prepare(Killed())
    #expect(failure is Killed)
    let installer = try installer(disk, computer)
    #expect(try installer.hasInstalled(set, .init(size: .mebibytes(300))))
    for other in [
      RecoveryInstaller.Request(size: .mebibytes(400)), .init(isHidden: true), .init(wish: .init(hotkeyDelay: 4)),
    ] { #expect(try !installer.hasInstalled(set, other)) }
    let next = try await RecoverySet(try await SmallMedia.shared.iso(number: 2), key: nil) { _ in }
    #expect(try !installer.hasInstalled(next, .init()))
    // What the fleet's command does where there is a partition.
    #expect(try await installer.update(to: set, allowing: .init()).isNew == false)
    #expect(try await installer.completeEntries(isBitLockerSuspended: false).entries.map(\.kind) == [.firmware, .grub])
    #expect(try await installer.completeEntries(isBitLockerSuspended: false).entries == [])
    #expect(computer.wishes.withLock { $0.count } == 2)
    // One of two is lost; the other keeps its place.
    computer.entries.withLock { _ = $0.removeLast() }
    #expect(try await installer.completeEntries(isBitLockerSuspended: false).entries.map(\.kind) == [.grub])
    #expect(computer.wishes.withLock { $0.last } == BootWish(place: nil))
    let asked = BootWish(place: .first)
    _ = try await installer.completeEntries(asked, isBitLockerSuspended: false)
    #expect(computer.wishes.withLock { $0.last } == asked)
  }

  /// Who reads the error knows that the partition is there.
  @Test func aRefusedEntryDoesNotHideThePartition() async throws {
    let (disk, computer, _, failure) = try await prepare(BootEntryFailure.variablesFull)
    #expect(failure as? BootEntryFailure == .variablesFull)
    computer.refusal.withLock { $0 = BootEntryFailure.variablesFull }
    let installer = try installer(disk, computer)
    let boot = try await installer.completeEntries(isBitLockerSuspended: false)
    #expect(boot.entries == [] && boot.failure as? BootEntryFailure == .variablesFull)
    // Some of them, without those that were there.
    let made = BootEntry(kind: .grub, name: "grub", label: "")
    computer.refusal.withLock { $0 = BootEntryFailure.onlySome(made: [made], reasons: ["one"]) }
    let some = try await installer.completeEntries(isBitLockerSuspended: false)
    #expect(some.entries == [made] && some.failure?.code == "boot-entries-incomplete")
  }

  /// The real efibootmgr: an entry that the firmware has lost is made anew, once.
  @Test(.enabled(if: FakeFirmware.isPossible, "needs loop devices and efibootmgr"))
  func theFirmwareHasLostIt() async throws {
    let disk = try await DiskImage(DiskImage.windows)
    let set = try await RecoverySet(try await SmallMedia.shared.iso(), key: nil) { _ in }
    try await FakeFirmware.with { fake in
      try await fake.addSystem()
      try await Loop.with(disk.path, ["-P"]) { device in
        let installer = RecoveryInstaller(try Disk(device, isWriting: true), registration: fake.boot) { _ in }
        let done = try await installer.install(set, try await installer.plan(set, .init(size: .mebibytes(300))))
        #expect(done.boot.entries.map(\.name) == ["Boot0001"])
        try await fake.program.remove("0001").run()
        #expect(try await installer.completeEntries(isBitLockerSuspended: false).entries.map(\.name) == ["Boot0001"])
        #expect(try await installer.completeEntries(isBitLockerSuspended: false).entries == [])
        let list = try await fake.list()
        #expect(list.entries(of: done.partition.partitionUUID).count == 1 && list.entries.count == 2)
      }
    }
  }
}
