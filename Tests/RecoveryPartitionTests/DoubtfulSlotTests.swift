// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// Updates of a partition whose current version is the broken one: the version before is what starts, and has to stay.
@Suite struct DoubtfulSlotTests {
  /// What is known of the current version.
  enum Doubt: CaseIterable { case damaged, bad, trying }

  /// A disk with two versions, of which the current one is broken, and the medium of a third.
  private func prepare(_ doubt: Doubt) async throws -> (disk: DiskImage, before: SlotState, third: RecoverySet) {
    let prepared = try await UpdateTests.prepare()
    try await prepared.disk.update(prepared.second)
    let slots = try prepared.disk.installer().slots()
    var state = slots.state
    switch doubt {
    case .damaged: break
    case .bad: state.bad = state.current
    case .trying: state.trying = state.current
    }
    if state != slots.state { try slots.write(state) }
    if doubt != .trying { try damage(slots) }
    let medium = try await SmallMedia.shared.iso(tools: "third tools", number: 3)
    return (prepared.disk, state, try await RecoverySet(medium, key: nil) { _ in })
  }

  /// Flips a byte of a layer that the current version alone has.
  private func damage(_ slots: InstalledSlots) throws {
    let others = Set(slots.files(of: try #require(slots.state.previous)))
    let layer = try #require(
      slots.files(of: slots.state.current).first { $0.hasSuffix(".squashfs") && !others.contains($0) })
    let place = slots.partition.start.bytes + (try #require(slots.volume.ranges(of: layer).first?.lowerBound)) + 100
    try slots.disk.write([try slots.disk.bytes(place..<place + 1)[0] ^ 1], at: place)
  }

  /// What the chooser takes (`PartitionMenu.chooser`).
  private func chosen(_ state: SlotState) -> String {
    guard let previous = state.previous else { return state.current }
    return state.trying == state.current || state.bad == state.current ? previous : state.current
  }

  /// The version that comes up, if any: the initrd notes one that it finds damaged, and starts again.
  private func whatComesUp(_ slots: InstalledSlots) throws -> String? {
    var state = slots.state
    for _ in 0..<2 {
      let start = chosen(state)
      if try slots.damage(of: start).isEmpty { return start }
      state.bad = start
    }
    return nil
  }

  @Test(arguments: Doubt.allCases) func aPowerCutLeavesTheWholeOne(doubt: Doubt) async throws {
    let (image, before, third) = try await prepare(doubt)
    let good = try #require(before.previous)
    let whole = image.folder.appending("whole")
    try await ImageMaker.copy(image.path, to: whole)
    var (cut, isCut) = (0, true)
    while isCut {
      try await ImageMaker.copy(whole, to: image.path)
      let disk = try Disk(image.path, isWriting: true)
      var installer = try image.installer(disk)
      installer.access = CutDisk(disk, after: cut)
      do {
        _ = try await installer.update(to: third, allowing: .init())
        isCut = false
      } catch is CutDisk.Cut { isCut = true }
      installer.access = disk
      let up = try whatComesUp(try installer.slots())
      #expect(up == (isCut ? good : third.identifier) || up == third.identifier, "after \(cut) writes")
      // Most writes of an update are content that nothing leads to yet.
      if isCut { cut += max(1, cut) }
    }
    #expect(cut > 3)
    // What it can go back to is the whole one too.
    let status = try await image.installer().status()
    #expect(status.state == SlotState(current: third.identifier, previous: good))
    #expect(status.slots.allSatisfy { $0.damage.isEmpty })
    try await image.requireCleanVolume(status.partition)
  }

  /// The damaged version itself is mended by its medium, while the other one starts.
  @Test func theSameMediumMendsItBesideTheWholeOne() async throws {
    let (image, before, _) = try await prepare(.bad)
    let good = try #require(before.previous)
    let second = try await RecoverySet(
      try await SmallMedia.shared.iso(tools: "newer tools", number: 2), key: nil
    ) { _ in }
    #expect(second.identifier == before.current)
    let disk = try Disk(image.path, isWriting: true)
    var installer = try image.installer(disk)
    installer.access = CutDisk(disk, after: 2)
    await #expect(throws: CutDisk.Cut.self) { try await installer.update(to: second, allowing: .init()) }
    installer.access = disk
    #expect(
      try installer.slots().state == SlotState(current: good, previous: second.identifier, bad: second.identifier))
    _ = try await installer.update(to: second, allowing: .init())
    let status = try await installer.status()
    #expect(status.state == SlotState(current: second.identifier, previous: good))
    #expect(status.slots.allSatisfy { $0.damage.isEmpty })
  }

  /// A version that is whole is not given up for one that is not.
  @Test func aWholeOneStaysCurrent() async throws {
    let prepared = try await UpdateTests.prepare()
    try await prepared.disk.update(prepared.second)
    let installer = try prepared.disk.installer()
    let slots = try installer.slots()
    #expect(try slots.reliableState() == slots.state)
    var state = slots.state
    (state.bad, state.trying) = (state.previous, state.current)
    try slots.write(state)
    #expect(try installer.slots().reliableState() == state)
  }
}
