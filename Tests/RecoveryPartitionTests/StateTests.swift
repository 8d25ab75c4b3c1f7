// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import BootEntries
@testable import Disks
@testable import RecoveryPartition

/// The block that says which slot starts, judged by grub-editenv.
@Suite struct StateTests {
  static let (first, second) = ("0011223344556677", "8899aabbccddeeff")

  @Test func grubReadsIt() async throws {
    let folder = try TemporaryFolder()
    let state = SlotState(current: Self.first, previous: Self.second, bad: Self.second)
    let file = try folder.write("state", state.block)
    let listing = try await Tool.run("grub-editenv", [file.string, "list"])
    #expect(
      listing.lines == ["current=\(Self.first)", "previous=\(Self.second)", "trying=", "bad=\(Self.second)"],
      "\(listing)")
    #expect(SlotState(state.block) == state)
  }

  @Test func whatGrubWritesIsRead() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("state", SlotState(current: Self.first, previous: Self.second).block)
    let outcome = try await Tool.run("grub-editenv", [file.string, "set", "trying=\(Self.first)"])
    #expect(outcome.status == 0, "\(outcome)")
    let state = SlotState(try FileTree.bytes(of: file))
    #expect(state == SlotState(current: Self.first, previous: Self.second, trying: Self.first))
  }

  @Test func aSwitchChangesOneSector() {
    let before = SlotState(current: Self.first, previous: Self.second, trying: Self.first)
    let after = before.switched(to: Self.second)
    #expect(after == SlotState(current: Self.second, previous: Self.first))
    #expect(before.block.suffix(512) == after.block.suffix(512))
    #expect(after.switched(to: Self.second) == after)
  }

  @Test(arguments: [
    [], [UInt8](repeating: 0, count: 1024), Array("# GRUB Environment Block\ncurrent=x\n".utf8),
    Array("# GRUB Environment Block\n".utf8) + [UInt8](repeating: 0x23, count: 999),
    Array("# GRUB Environment Block\ncurrent=../../../etc\n".utf8) + [UInt8](repeating: 0x23, count: 978),
  ]) func whatNamesNoSlotIsNone(block: [UInt8]) {
    #expect(SlotState(block) == nil)
  }
}
