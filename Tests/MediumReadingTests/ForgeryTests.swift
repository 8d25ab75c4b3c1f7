// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Signing
import SystemPackage
import Testing

@testable import MediumReading

/// Media that were changed on purpose and sealed again: the seal is right, and yet they are not what was signed.
@Suite struct ForgeryTests {
  private func verify(_ bytes: [UInt8]) async throws -> MediumVerification.Report {
    try await MediumVerification.verify(DiskImageReader(path: "forged.iso", source: MemoryBytes(bytes)))
  }

  /// Sealed, with a record that says what the layout is now.
  private func sealed(_ bytes: [UInt8]) async throws -> [UInt8] {
    try Forgery.recorded(bytes, try await TestMedium.shared)
  }

  private func put(_ number: Int64, at place: Int, _ bytes: inout [UInt8]) {
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: number >> (8 * Int64(index))) }
  }

  /// The place of a file's record in a directory, found by the block that it points to.
  private func record(pointingTo block: Int64, in tree: ISOTree, _ bytes: [UInt8]) throws -> Int {
    for directory in tree.nodes where directory.kind == .folder {
      let range = try #require(directory.extents.first).bounds
      var place = Int(range.lowerBound)
      while place < Int(range.upperBound), bytes[place] > 0 {
        if bytes[place + 25] & 2 == 0, Int64(bytes.little(UInt32.self, at: place + 2)) == block { return place }
        place += Int(bytes[place])
      }
    }
    throw OperationFailure("find", "record", .noSuchFileOrDirectory)
  }

  @Test func sealingAgainChangesNothing() async throws {
    let medium = try await TestMedium.shared
    #expect(try await sealed(medium.bytes) == medium.bytes)
    #expect(try Forgery.sealed(medium.bytes) == medium.bytes)
  }

  @Test(arguments: [(0, 1), (1, 0), (1, 1)])
  func anotherTreeThatShowsOtherBytesIsAContradiction(volume: Int, tree: Int) async throws {
    let medium = try await TestMedium.shared
    let reader = try ISOReader(medium.image)
    let menu = try #require(reader.tree.node("boot/grub/grub.cfg")?.extents.first).offset
    let info = try #require(reader.tree.node(".disk/info")?.extents.first).offset
    let start = reader.volumes[volume].offset.bytes
    var bytes = medium.bytes
    let place = try record(
      pointingTo: (menu.bytes - start) / 2048, in: reader.volumes[volume].trees[tree], medium.bytes)
    put((info.bytes - start) / 2048, at: place + 2, &bytes)
    let report = try await verify(try await sealed(bytes))
    #expect(report.findings.map(\.kind) == [.contradiction])
    #expect(report.findings.first?.ranges.first?.offset == info)
  }

  @Test func aFileThatPointsToOtherBytesIsDamaged() async throws {
    let medium = try await TestMedium.shared
    let reader = try ISOReader(medium.image)
    let menu = try #require(reader.tree.node("boot/grub/grub.cfg")?.extents.first).offset
    var bytes = medium.bytes
    put(3, at: try record(pointingTo: menu.bytes / 2048, in: reader.tree, medium.bytes) + 2, &bytes)
    let report = try await verify(try await sealed(bytes))
    #expect(report.findings.contains { $0.file == "/boot/grub/grub.cfg" })
  }

  @Test func aBootEntryThatStartsOtherBytesIsAContradiction() async throws {
    let medium = try await TestMedium.shared
    let catalogue = try #require(try ISOReader(medium.image).catalogue)
    var bytes = medium.bytes
    put(100, at: Int(catalogue.range.offset.bytes) + 32 + 8, &bytes)
    let report = try await verify(try await sealed(bytes))
    #expect(report.findings.map(\.structure) == ["boot catalogue: entry for a BIOS"])
  }

  @Test func aBackupTableThatShowsOtherPartitionsIsAContradiction() async throws {
    let medium = try await TestMedium.shared
    let backup = try #require(try ISOReader(medium.image).partitionTable?.backup)
    var bytes = medium.bytes
    bytes[Int(backup.entries.offset.bytes) + 128 + 33] ^= 1
    let report = try await verify(try await sealed(bytes))
    #expect(report.findings.map(\.structure) == ["backup GPT entry 2"])
  }

  @Test(arguments: [8, 12, 16, 20, 2548])
  func aBootImageThatLoadsOtherBytesIsAContradiction(field: Int) async throws {
    let medium = try await TestMedium.shared
    let image = try #require(try ISOReader(medium.image).tree.node(TestMedium.loader)?.extents.first)
    var bytes = medium.bytes
    bytes[Int(image.offset.bytes) + field] ^= 1
    // The image's checksum is over GRUB's field too: a change there is two contradictions.
    let report = try await verify(try await sealed(bytes))
    #expect(report.findings.count == (field == 2548 ? 2 : 1))
    #expect(report.findings.allSatisfy { $0.kind == .contradiction })
    #expect(report.findings.allSatisfy { $0.structure?.hasSuffix("in /" + TestMedium.loader) == true })
  }

  @Test func bootCodeThatLoadsOtherBytesIsAContradiction() async throws {
    let medium = try await TestMedium.shared
    var bytes = medium.bytes
    bytes[0x1B0] ^= 1
    #expect(
      try await verify(try await sealed(bytes)).findings.map(\.structure) == ["the loader's sector in the boot code"])
    bytes = medium.bytes
    bytes[100] ^= 1
    #expect(try await verify(try await sealed(bytes)).findings.map(\.structure) == ["boot code"])
  }

  @Test func aFileThatTheRecordDoesNotListIsFound() async throws {
    let medium = try await TestMedium.shared
    var bytes = medium.bytes
    // The record loses a file of the same length of name: renamed in place.
    let old = Array("boot\\/grub\\/grub.cfg".utf8)
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: old) })
    bytes[start] = UInt8(ascii: "B")
    let report = try await verify(try await sealed(bytes))
    #expect(report.findings.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [.missing, .unlisted])
    #expect(report.findings.contains { $0.kind == .unlisted && $0.file == "/boot/grub/grub.cfg" })
    #expect(report.findings.contains { $0.kind == .missing && $0.file == "/Boot/grub/grub.cfg" })
    #expect(!report.unchecked.isEmpty)
  }

  @Test func aRecordOfANewerFormatIsRefused() async throws {
    let medium = try await TestMedium.shared
    var bytes = medium.bytes
    let old = Array("\"format\":1".utf8)
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: old) })
    bytes[start + old.count - 1] = UInt8(ascii: "2")
    // With the old seal it is damage; as it was written it is a newer format, and cannot be sealed by this version.
    let report = try await verify(bytes)
    #expect(report.findings.contains { $0.file == "/lifeboat.json" && $0.kind == .changed })
    let failure = MediumVerification.Failure.newerRecord(path: "forged.iso", format: 2)
    #expect(throws: failure) { try Forgery.sealed(bytes) }
    #expect(failure.remedy != nil)
  }

  @Test func aRecordThatIsNoLongerJSONIsDamage() async throws {
    let medium = try await TestMedium.shared
    let record = try #require(try ISOReader(medium.image).tree.node(MediumRecord.path)?.extents.first)
    var bytes = medium.bytes
    bytes[Int(record.offset.bytes)] = UInt8(ascii: "!")
    let report = try await verify(bytes)
    #expect(report.findings.map(\.file) == ["/lifeboat.json"])
    #expect(report.findings.first?.ranges == [record])
    #expect(report.identifier == nil)
    #expect(!report.unchecked.isEmpty)
  }
}
