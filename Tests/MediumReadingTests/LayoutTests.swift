// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// Media whose tables, descriptors or empty places were changed on purpose, their checksums mended and the whole sealed
/// again: with the record as it was, with a record that fits, unsigned or signed by another key.
@Suite struct LayoutTests {
  /// A change that some firmware or system would act upon, or that hides something.
  enum Change: String, CaseIterable, CustomTestStringConvertible {
    case retypedEntry, newEntry, unusedEntry, headerReserve, diskGUID, backupAlone
    case fatInMBR, activeInMBR, diskSignature
    case extraBootEntry, bootEntryReserve, catalogueRest, platform
    case descriptorReserve, secondApplicationUse, terminator, volumeSize
    case folderSlack, filePadding, gap, systemPartitionPadding

    var testDescription: String { rawValue }
  }

  /// What `LayoutCheck` says of each, and so what the record need not be signed for.
  static let names: [Change: String] = [
    .retypedEntry: "GPT entry 3", .newEntry: "GPT entry 4", .unusedEntry: "GPT entry 248",
    .headerReserve: "GPT: rest of the header's sector", .diskGUID: "GPT: disk GUID", .backupAlone: "backup GPT entry 2",
    .fatInMBR: "MBR partition 3", .activeInMBR: "MBR partition 1", .diskSignature: "disk signature of the MBR",
    .extraBootEntry: "boot catalogue: unused entries", .bootEntryReserve: "boot catalogue: entry for a BIOS",
    .catalogueRest: "boot catalogue: unused entries", .platform: "boot catalogue: section header for UEFI",
    .descriptorReserve: "primary volume descriptor at 32,768: reserved field",
    .secondApplicationUse: "primary volume descriptor at 65,536: application use",
    .terminator: "end of descriptors at 38,912", .volumeSize: "primary volume descriptor at 32,768: volume size",
    .folderSlack: "unused bytes of a folder", .filePadding: SealedClass.filePadding.title,
    .gap: SealedClass.everythingElse.title, .systemPartitionPadding: SealedClass.everythingElse.title,
  ]

  @Test(arguments: Change.allCases) func nothingButWhatLifeboatWritesIsAllowed(_ change: Change) async throws {
    let medium = try await TestMedium.shared
    let changed = try Self.apply(change, to: medium)
    #expect(changed != medium.bytes)
    // Sealed again: the record's own digest of the layout is not right any more.
    let sealed = try await verify(try Forgery.sealed(changed))
    #expect(sealed.findings.contains { $0.structure?.hasPrefix("the layout") == true }, "\(sealed.findings)")
    // And with a record that says what there is now.
    let report = try await verify(try Forgery.recorded(changed, medium))
    let name = try #require(Self.names[change])
    let finding = try #require(
      report.findings.first { $0.structure == name }, "\(report.findings.map { $0.structure ?? $0.file })")
    #expect(finding.kind == .unexpected)
    #expect(finding.ranges.first.map { changed[Int($0.offset.bytes)] != medium.bytes[Int($0.offset.bytes)] } == true)
    #expect(finding.expected?.hasPrefix("0x") == true)
    #expect(finding.message.contains(" instead of 0x"))
  }

  /// What follows from nothing, such as a volume's name, is the record's alone to say; and the record is signed.
  @Test func whatCannotBeDerivedIsSigned() async throws {
    let scratch = try TemporaryFolder()
    let (own, other) = (scratch.path.appending("own"), scratch.path.appending("other"))
    for key in [own, other] { _ = try await SiteKey.create(at: key, comment: "test") }
    let medium = try await TestMedium(signingKey: own)
    let whole = try await verify(medium.bytes)
    #expect(whole.isClean && whole.coversLayout)
    try await whole.checkSignature(publicKey: own)

    var changed = medium.bytes
    changed.replaceSubrange(32768 + 40..<32768 + 48, with: Array("LIFEBELT".utf8))
    let sealed = try await verify(try Forgery.sealed(changed))
    #expect(sealed.findings.map { $0.structure?.prefix(10) } == ["the layout"])
    let unsigned = try await verify(try Forgery.recorded(changed, medium))
    #expect(unsigned.isClean)
    let stale = await #expect(throws: SigningFailure.self) { try await unsigned.checkSignature(publicKey: own) }
    #expect(stale == .signatureInvalid)
    let foreign = try await verify(try await Forgery.signed(changed, medium, key: other))
    #expect(foreign.isClean)
    let failure = await #expect(throws: SigningFailure.self) { try await foreign.checkSignature(publicKey: own) }
    #expect(failure?.code == "signature-by-other-key")
  }

  @Test func aRecordOfAnOlderVersionIsEnoughButSaysSo() async throws {
    let medium = try await TestMedium(layout: nil)
    let report = try await verify(medium.bytes)
    #expect(report.isClean && !report.coversLayout)
    let changed = try Self.apply(.retypedEntry, to: medium)
    #expect(
      try await verify(try Forgery.sealed(changed)).findings.map(\.structure) == ["GPT entry 3", "backup GPT entry 3"])
  }

  /// sgdisk makes the change, as whoever would do it.
  @Test func sgdiskMakesASecondEFISystemPartition() async throws {
    let medium = try await TestMedium.shared
    let scratch = try TemporaryFolder()
    let file = try scratch.write("forged.iso", medium.bytes)
    try await ExternalCommand("sgdisk", ["-t", "3:ef00", file.string]).run()
    let changed = try FileTree.bytes(of: file)
    #expect(
      try ISOReader(DiskImageReader(path: "x", source: MemoryBytes(changed))).partitionTable?.primary?.isValid == true)
    let report = try await verify(try Forgery.recorded(changed, medium))
    #expect(report.findings.contains { $0.structure == "GPT entry 3" })
  }

  private func verify(_ bytes: [UInt8]) async throws -> MediumVerification.Report {
    try await MediumVerification.verify(DiskImageReader(path: "forged.iso", source: MemoryBytes(bytes)))
  }

  // MARK: Changes

  private static func apply(_ change: Change, to medium: TestMedium) throws -> [UInt8] {
    var bytes = medium.bytes
    let reader = try ISOReader(medium.image)
    let catalogue = Int(try #require(reader.catalogue).range.offset.bytes)
    let map = MediumMap(reader, record: medium.record)
    let (end, efi) = (bytes.count, GUIDPartitionTable.efiSystemPartitionType)
    func flip(_ place: Int) { bytes[place] ^= 0x41 }
    func inBothTables(_ number: Int, _ change: (inout [UInt8], Int) -> Void) {
      for start in [1024, end - 512 - 248 * 128] { change(&bytes, start + (number - 1) * 128) }
    }
    switch change {
    case .retypedEntry: inBothTables(3) { $0.replaceSubrange($1..<$1 + 16, with: ExpectedTables.guid(efi)) }
    case .newEntry:
      inBothTables(4) { bytes, place in bytes.replaceSubrange(place..<place + 128, with: bytes[1152..<1280]) }
    case .unusedEntry: inBothTables(248) { $0[$1 + 127] = 7 }
    case .headerReserve: flip(512 + 200)
    case .diskGUID: for start in [512, end - 512] { flip(start + 56) }
    case .backupAlone: flip(end - 512 - 248 * 128 + 128 + 33)
    case .fatInMBR: bytes.replaceSubrange(478..<494, with: [0, 0, 1, 0, 0x0C, 0, 1, 0, 64, 0, 0, 0, 0, 8, 0, 0])
    case .activeInMBR: flip(446)
    case .diskSignature: flip(441)
    case .extraBootEntry:
      bytes.replaceSubrange(catalogue + 128..<catalogue + 192, with: bytes[catalogue + 64..<catalogue + 128])
    case .bootEntryReserve: flip(catalogue + 32 + 20)
    case .catalogueRest: flip(catalogue + 2047)
    case .platform: bytes[catalogue + 65] = 0
    case .descriptorReserve: flip(32768 + 2000)
    case .secondApplicationUse: flip(65536 + 900)
    case .terminator: flip(38912 + 1000)
    case .volumeSize: flip(32768 + 80)
    case .folderSlack: flip(Int(try #require(reader.tree.nodes.first?.extents.first).bounds.upperBound) - 1)
    case .filePadding: flip(Int(try #require(map.ranges(of: .filePadding).first).lowerBound))
    case .gap: flip(50_000)
    case .systemPartitionPadding: flip(end - 64 * 512 - 10)
    }
    mendChecksums(&bytes)
    return bytes
  }

  /// Both headers of the GPT fit their entries again.
  private static func mendChecksums(_ bytes: inout [UInt8]) {
    for (header, entries) in [(512, 1024), (bytes.count - 512, bytes.count - 512 - 248 * 128)] {
      let checksum = CRC32.checksum(Array(bytes[entries..<entries + 248 * 128]))
      bytes.replaceSubrange(header + 88..<header + 92, with: ExpectedTables.little(Int64(checksum), 4))
      bytes.replaceSubrange(header + 16..<header + 20, with: [0, 0, 0, 0])
      let own = CRC32.checksum(Array(bytes[header..<header + 92]))
      bytes.replaceSubrange(header + 16..<header + 20, with: ExpectedTables.little(Int64(own), 4))
    }
  }
}

/// What somebody does who has changed a medium and wants it to pass.
enum Forgery {
  static func sealed(_ bytes: [UInt8]) throws -> [UInt8] {
    var bytes = bytes
    let seal = try StructureSeal(of: DiskImageReader(path: "forged.iso", source: MemoryBytes(bytes)))
    bytes.replaceSubrange(Int(StructureSeal.range.lowerBound)..<Int(StructureSeal.range.upperBound), with: seal.field)
    return bytes
  }

  /// The record gets the digest of the layout that there is now, and all is sealed.
  static func recorded(_ bytes: [UInt8], _ medium: TestMedium) throws -> [UInt8] {
    var bytes = bytes
    let seal = try StructureSeal(of: DiskImageReader(path: "forged.iso", source: MemoryBytes(bytes)))
    let old = Array(try #require(medium.record.layout).hex.utf8)
    let place = try #require(bytes.firstRange(of: old))
    bytes.replaceSubrange(place, with: Array(seal.layout.hex.utf8))
    return try sealed(bytes)
  }

  /// The same, and the record is signed by another key.
  static func signed(_ bytes: [UInt8], _ medium: TestMedium, key: FilePath) async throws -> [UInt8] {
    var bytes = try recorded(bytes, medium)
    let reader = try ISOReader(DiskImageReader(path: "forged.iso", source: MemoryBytes(bytes)))
    let signature = try await SiteKey.sign(try MediumVerification.recordBytes(of: reader), with: key)
    let place = try #require(reader.tree.node(MediumRecord.signaturePath)?.extents.first).bounds
    try #require(place.count == signature.count)
    bytes.replaceSubrange(Int(place.lowerBound)..<Int(place.upperBound), with: signature)
    return try sealed(bytes)
  }
}
