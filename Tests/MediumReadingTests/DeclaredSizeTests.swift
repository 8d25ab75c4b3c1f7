// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// How large images say that they are: Lifeboat's, xorriso's and sgdisk's.
@Suite struct DeclaredSizeTests {
  @Test func aMediumSaysItsSize() async throws {
    let medium = try await TestMedium.shared
    #expect(DeclaredSize(head: medium.bytes)?.bytes == Int64(medium.bytes.count))
    #expect(DeclaredSize(head: Array(medium.bytes.prefix(DeclaredSize.reach)))?.bytes == Int64(medium.bytes.count))
  }

  /// An image of somebody else's: no GPT.
  @Test func aForeignImageIsMeasuredByItsVolume() async throws {
    let scratch = try TemporaryFolder()
    try scratch.write("tree/file", [UInt8](repeating: 7, count: 300_000))
    let iso = scratch.path.appending("out.iso")
    try await ExternalCommand("xorriso", ["-as", "mkisofs", "-o", iso.string, scratch.path.appending("tree").string])
      .run()
    let bytes = try FileTree.bytes(of: iso)
    #expect(DeclaredSize(head: bytes)?.bytes == Int64(bytes.count))
    #expect(DeclaredSize(head: bytes)?.by == "its ISO 9660 volume")
  }

  @Test func aDiskIsMeasuredByItsTable() async throws {
    let scratch = try TemporaryFolder()
    let disk = try scratch.write("disk.img", [UInt8](repeating: 0, count: 4 << 20))
    try await ExternalCommand("sgdisk", ["-n", "1:2048:+1M", disk.string]).run()
    #expect(DeclaredSize(head: try FileTree.bytes(of: disk))?.bytes == 4 << 20)
  }

  @Test func anyOtherBytesDeclareNothing() {
    #expect(DeclaredSize(head: []) == nil)
    #expect(DeclaredSize(head: TestMedium.noise(70_000, seed: 4)) == nil)
  }

  /// What starts a cut image is listed only as far as its bytes are there.
  @Test func nothingStartsWithoutItsBytes() async throws {
    let medium = try await TestMedium.shared
    let scratch = try TemporaryFolder()
    let whole = try await ISOInspection.inspect(try scratch.write("whole.iso", medium.bytes))
    #expect(whole.bootPaths.contains { $0.firmware == .uefiIA32 && $0.from == .stick && $0.loader != nil })
    #expect(whole.bootPaths.contains { $0.firmware == .bios && $0.from == .disc && $0.loader != nil })
    let reader = try ISOReader(medium.image)
    let system = try #require(reader.efiSystemPartition).bounds
    let loader = try #require(reader.tree.node(TestMedium.loader)?.extents.first).bounds
    for (size, isBIOS) in [(system.upperBound - 4096, true), (loader.upperBound - 1, false)] {
      let cut = try scratch.write("cut.iso", Array(medium.bytes[..<Int(size)]))
      let inspection = try await ISOInspection.inspect(cut)
      #expect(inspection.notes.contains { $0.hasPrefix("the image is truncated: ") })
      for path in inspection.bootPaths {
        #expect((path.loader != nil) == (path.firmware == .bios && isBIOS), "\(size): \(path)")
      }
      #expect(inspection.bootPaths.contains { $0.note == "the image is truncated: its loader is not there" })
    }
  }
}
