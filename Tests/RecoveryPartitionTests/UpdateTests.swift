// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import HostSystem
import RecoveryManifest
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

@Suite struct UpdateTests {
  /// A disk with one version, and the medium of the next one.
  struct Prepared {
    var disk: DiskImage
    var first: RecoverySet
    var second: FilePath
    var start: ByteCount
  }

  static func prepare(_ tools: String = "newer tools") async throws -> Prepared {
    let disk = try await DiskImage(DiskImage.windows, data: DiskImage.windowsData)
    let medium = try await SmallMedia.shared.iso()
    let done = try await disk.install(medium)
    return Prepared(
      disk: disk, first: try await RecoverySet(medium, key: nil) { _ in },
      second: try await SmallMedia.shared.iso(tools: tools, number: 2), start: done.partition.start)
  }

  @Test func onlyWhatIsNewIsWritten() async throws {
    let prepared = try await Self.prepare()
    let data = try prepared.disk.digest(1 << 20..<317 << 20)
    let done = try await prepared.disk.update(prepared.second)
    let second = try await RecoverySet(prepared.second, key: nil) { _ in }
    #expect(done.isNew && done.identifier == second.identifier && done.previous == prepared.first.identifier)
    let layers = done.copied.filter { $0.hasPrefix("lifeboat/layers/") }
    #expect(layers.count == 1 && layers.first?.hasSuffix(".squashfs") == true, "\(done.copied)")
    // One small layer, the record, a list, a menu, tables and folders: neither base nor kernel nor initrd is moved.
    let files = try second.files(startedFrom: .init(serial: "0000-0000", stateOffset: 0))
    let copied = files.filter { done.copied.contains($0.path) }
    #expect(done.written >= second.room(copied) && done.written.bytes < second.room(copied).bytes + 96 << 10)
    #expect(done.shared > .zero)
    let status = try await prepared.disk.installer().status()
    #expect(status.state == SlotState(current: second.identifier, previous: prepared.first.identifier))
    #expect(status.slots.allSatisfy { $0.damage.isEmpty })
    try await prepared.disk.requireCleanVolume(status.partition)
    #expect(try prepared.disk.digest(1 << 20..<317 << 20) == data)

    let again = try await prepared.disk.update(prepared.second)
    #expect(!again.isNew && again.written == .zero)
  }

  @Test func rollsBackAndForth() async throws {
    let prepared = try await Self.prepare()
    let installer = try prepared.disk.installer()
    #expect(throws: RecoveryPartitionFailure.noPrevious(prepared.disk.path)) { try installer.rollBack() }
    let set = try await RecoverySet(prepared.second, key: nil) { _ in }
    _ = try await installer.update(to: set, allowing: .init())
    #expect(try installer.rollBack() == prepared.first.identifier)
    #expect(try installer.rollBack() == set.identifier)
  }

  /// The third version takes the place of the first; what only the first needed is gone.
  @Test func theOlderSlotIsReplaced() async throws {
    let prepared = try await Self.prepare()
    try await prepared.disk.update(prepared.second)
    let third = try await SmallMedia.shared.iso(tools: "third tools", number: 3)
    try await prepared.disk.update(third)
    let status = try await prepared.disk.installer().status()
    #expect(status.slots.count == 2 && status.state.previous != prepared.first.identifier)
    let volume = try prepared.disk.installer().slots().volume
    #expect(!volume.folders.contains("lifeboat/\(prepared.first.identifier)"))
    #expect(volume.files.count { $0.hasPrefix("lifeboat/layers/") } == 5)
    try await prepared.disk.requireCleanVolume(status.partition)
  }

  /// Six places out of so many writes; with `LIFEBOAT_BOOT_TESTS=1`, each write.
  private static let stride = HostEnvironment["LIFEBOAT_BOOT_TESTS"] == nil ? 24 : 6

  /// The power is cut in a write: the old version is whole and starts, or the new one; nobody's data is
  /// touched; and the next update mends what was left.
  @Test(arguments: 0..<6) func aPowerCut(part: Int) async throws {
    let prepared = try await Self.prepare()
    // Both slots are taken, so that all kinds of writes happen: names and clusters go before others come.
    try await prepared.disk.update(prepared.second)
    let third = try await RecoverySet(try await SmallMedia.shared.iso(tools: "third tools", number: 3), key: nil) { _ in
    }
    let second = try await RecoverySet(prepared.second, key: nil) { _ in }
    let whole = prepared.disk.folder.appending("whole")
    try await ImageMaker.copy(prepared.disk.path, to: whole)
    let data = try DiskImage.windowsData.map { try prepared.disk.digest($0) }
    var cut = part
    while true {
      try await ImageMaker.copy(whole, to: prepared.disk.path)
      let disk = try Disk(prepared.disk.path, isWriting: true)
      var installer = try prepared.disk.installer(disk)
      let access = CutDisk(disk, after: cut)
      installer.access = access
      let isCut: Bool
      do {
        _ = try await installer.update(to: third, allowing: .init())
        isCut = false
      } catch is CutDisk.Cut { isCut = true }
      installer.access = disk
      let slots = try installer.slots()
      #expect([second.identifier, third.identifier].contains(slots.state.current), "after \(cut) writes")
      #expect(try slots.damage(of: slots.state.current).isEmpty, "after \(cut) writes")
      if !isCut { break }
      let mended = try await installer.update(to: third, allowing: .init())
      #expect(mended.identifier == third.identifier)
      let status = try await installer.status()
      #expect(status.state.current == third.identifier && status.slots.allSatisfy { $0.damage.isEmpty })
      #expect(try DiskImage.windowsData.map { try prepared.disk.digest($0) } == data)
      try await prepared.disk.requireCleanVolume(status.partition)
      cut += Self.stride
    }
    #expect(cut > part)
  }

  @Test func aFlippedByteIsFoundAndMended() async throws {
    let prepared = try await Self.prepare()
    let installer = try prepared.disk.installer()
    let slots = try installer.slots()
    let layer = try #require(slots.volume.files.first { $0.hasSuffix(".squashfs") })
    let place = slots.partition.start.bytes + (try #require(slots.volume.ranges(of: layer).first?.lowerBound)) + 700
    var byte = try installer.disk.bytes(place..<place + 1)
    byte[0] ^= 1
    try installer.disk.write(byte, at: place)
    #expect(try await installer.status().slots.map(\.damage) == [[layer]])
    // The same medium again puts it right.
    let done = try await installer.update(to: prepared.first, allowing: .init())
    #expect(done.isNew && done.copied == [layer])
    #expect(try await installer.status().slots.map(\.damage) == [[]])
    #expect(try await installer.status().state == SlotState(current: prepared.first.identifier))
  }

  @Test func whatNobodyMeansIsRefused() async throws {
    let prepared = try await Self.prepare()
    let other = try await SmallMedia.shared.iso("tier2")
    await #expect(throws: RecoveryPartitionFailure.otherImage(installed: "tier1", new: "tier2")) {
      try await prepared.disk.update(other)
    }
    try await prepared.disk.update(other, .init(otherImage: true))
    let status = try await prepared.disk.installer().status()
    #expect(status.slots.map(\.image) == ["tier2", "tier1"])
  }

  @Test func aTornStateIsReplacedByWhatIsThere() async throws {
    let prepared = try await Self.prepare()
    let installer = try prepared.disk.installer()
    let slots = try installer.slots()
    let place = slots.partition.start.bytes + (try #require(slots.volume.ranges(of: SlotState.path).first?.lowerBound))
    try installer.disk.write([UInt8](repeating: 0, count: 512), at: place)
    #expect(try installer.slots().state == SlotState(current: prepared.first.identifier))
    let set = try await RecoverySet(prepared.second, key: nil) { _ in }
    _ = try await installer.update(to: set, allowing: .init())
    #expect(
      try installer.slots().state == SlotState(current: set.identifier, previous: prepared.first.identifier))
  }
}
