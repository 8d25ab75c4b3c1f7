// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

@Suite struct InspectionTests {
  typealias BootPath = ISOInspection.BootPath

  private func inspect(_ medium: TestMedium, _ scratch: TemporaryFolder) async throws -> ISOInspection {
    try await ISOInspection.inspect(try scratch.write("test.iso", medium.bytes))
  }

  @Test func aMediumOfOursIsUnderstood() async throws {
    let medium = try await TestMedium.shared
    let scratch = try TemporaryFolder()
    let inspection = try await inspect(medium, scratch)
    #expect(inspection.volume.identifier == "LIFEBOAT")
    #expect(inspection.volume.created == "2023-11-14T22:13:20Z")
    #expect(inspection.trees == [.rockRidge, .joliet])
    #expect(inspection.record == medium.record)
    #expect(inspection.notes == [])
    #expect(inspection.contents.files == medium.record.files.count + 5)
    #expect(inspection.contents.links == 1)
    #expect(inspection.contents.largest.first == .init(path: "/" + TestMedium.layer, size: ByteCount(1_200_000)))
    func loader(_ firmware: BootPath.Firmware, _ from: BootPath.Attachment) -> String? {
      inspection.bootPaths.first { $0.firmware == firmware && $0.from == from }?.loader
    }
    #expect(loader(.bios, .disc) == "/" + TestMedium.loader)
    #expect(loader(.bios, .stick) == "/" + TestMedium.loader)
    #expect(loader(.uefiIA32, .disc) == "/EFI/BOOT/BOOTIA32.EFI")
    #expect(loader(.uefiIA32, .stick) == "/EFI/BOOT/BOOTIA32.EFI")
    #expect(loader(.uefiX64, .disc) == nil)
    #expect(loader(.uefiX64, .stick) == nil)
    #expect(inspection.loaders.map(\.machine) == ["ia32"])
    #expect(inspection.loaders.first?.signatures == [])
  }

  @Test func theLayoutIsOneListOfAllBytes() async throws {
    let medium = try await TestMedium.shared
    let layout = try await inspect(medium, try TemporaryFolder()).layout
    var cursor: Int64 = 0
    for range in layout {
      #expect(range.offset.bytes == cursor)
      cursor += range.length.bytes
    }
    #expect(cursor == Int64(medium.bytes.count))
    #expect(layout.first?.structure == "master-boot-record")
    #expect(layout.last?.structure == "backup-gpt-header")
    #expect(layout.contains { $0.name == "/" + TestMedium.layer && $0.structure == "file" })
    #expect(layout.filter { $0.structure == "efi-system-partition" }.map(\.length.bytes) == [512 << 10])
    #expect(layout.filter { $0.structure == "files" }.reduce(0) { $0 + ($1.count ?? 0) } > 3)
  }

  @Test func itSurvivesJSON() async throws {
    let inspection = try await inspect(try await TestMedium.shared, try TemporaryFolder())
    let json = try JSONEncoder().encode(inspection)
    let back = try JSONDecoder().decode(ISOInspection.self, from: json)
    #expect(back.layout == inspection.layout)
    #expect(back.bootPaths == inspection.bootPaths)
    #expect(back.loaders == inspection.loaders)
    #expect(back.volume.identifier == inspection.volume.identifier)
    #expect(back.partitionTable == inspection.partitionTable)
  }

  @Test(arguments: [60, 80, 120]) func theTextFitsTheTerminal(width: Int) async throws {
    let text = try await inspect(try await TestMedium.shared, try TemporaryFolder()).text(width: width)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count <= width })
    for word in ["LIFEBOAT", "│S", "E EFI system partition", "primary volume descriptor", "UEFI IA32", "not signed"] {
      #expect(text.contains(word), "\(word) in\n\(text)")
    }
    #expect(text.contains("Lifeboat medium " + TestMedium.identifier))
  }

  @Test func anISOWithoutAnythingIsInspected() async throws {
    let scratch = try TemporaryFolder()
    try scratch.write("tree/README.TXT", "hello\n")
    let iso = scratch.path.appending("plain.iso")
    try await ExternalCommand(
      "genisoimage", ["-quiet", "-V", "PLAIN", "-o", iso.string, scratch.path.appending("tree").string]
    ).run()
    let inspection = try await ISOInspection.inspect(iso)
    #expect(inspection.record == nil)
    #expect(inspection.masterBootRecord == nil)
    #expect(inspection.bootPaths.allSatisfy { $0.loader == nil && $0.note != nil })
    #expect(inspection.text().contains("not made by Lifeboat"))
    #expect(inspection.layout.reduce(Int64(0)) { $0 + $1.length.bytes } == inspection.size.bytes)
    await #expect(throws: MediumVerification.Failure.notLifeboat(path: iso)) {
      try await MediumVerification.verify(iso)
    }
  }

  /// GRUB's own rescue image keeps its FAT as a file of the tree, beside HFS+ and an Apple partition map.
  @Test func aForeignHybridIsUnderstood() async throws {
    let scratch = try TemporaryFolder()
    try scratch.write("tree/hello", "hello\n")
    let iso = scratch.path.appending("rescue.iso")
    try await ExternalCommand(
      "grub-mkrescue", ["-o", iso.string, scratch.path.appending("tree").string], package: "grub-common"
    ).run()
    let inspection = try await ISOInspection.inspect(iso)
    func path(_ firmware: BootPath.Firmware, _ from: BootPath.Attachment) -> BootPath? {
      inspection.bootPaths.first { $0.firmware == firmware && $0.from == from }
    }
    #expect(path(.bios, .disc)?.loader == "/boot/grub/i386-pc/eltorito.img")
    #expect(path(.bios, .stick)?.loader == "/boot/grub/i386-pc/eltorito.img")
    for from in BootPath.Attachment.allCases {
      #expect(path(.uefiX64, from)?.loader?.uppercased() == "/EFI/BOOT/BOOTX64.EFI", "\(from)")
    }
    #expect(inspection.notes == [])
    #expect(inspection.layout.contains { $0.structure == "efi-system-partition" && $0.name == "/efi.img" })
    #expect(inspection.layout.reduce(Int64(0)) { $0 + $1.length.bytes } == inspection.size.bytes)
    #expect(inspection.loaders.contains { $0.place == .efiSystemPartition && $0.machine == "x64" })
  }

  @Test func aRecordThatCannotBeReadIsANoteAndAFailure() async throws {
    for (text, failure) in [
      ("{\"format\": 7}", MediumVerification.Failure.newerRecord(path: "", format: 7)), ("{ nonsense", nil),
      ("{\"format\": 1}", nil), ("[1]", nil), ("", nil),
    ] {
      let scratch = try TemporaryFolder()
      try scratch.write("tree/lifeboat.json", text)
      let iso = scratch.path.appending("x.iso")
      try await ExternalCommand(
        "genisoimage", ["-quiet", "-R", "-o", iso.string, scratch.path.appending("tree").string]
      ).run()
      let inspection = try await ISOInspection.inspect(iso)
      #expect(inspection.record == nil)
      #expect(inspection.notes.count == 1, "\(inspection.notes)")
      do {
        _ = try await MediumVerification.verify(iso)
        Issue.record("verified \(text)")
      } catch let error as MediumVerification.Failure {
        switch (error, failure) {
        case (.newerRecord(_, 7), .newerRecord?), (.unreadableRecord, nil): #expect(error.remedy != nil)
        default: Issue.record("\(error)")
        }
      }
    }
  }

  @Test func withoutMtoolsTheResultSaysSo() async throws {
    let scratch = try TemporaryFolder()
    let reader = try ISOReader(try scratch.write("test.iso", try await TestMedium.shared.bytes))
    let found = try await LoaderSearch(reader, lister: "mdir-is-not-here").run()
    #expect(found.obstacle == "mtools is not installed (apt-get install mtools)")
    #expect(found.notes.count == 1)
    let paths = BootPathSearch(reader: reader, loaders: found).paths()
    #expect(
      paths.first { $0.firmware == .uefiX64 }?.note == "unknown: mtools is not installed (apt-get install mtools)")
    #expect(paths.first { $0.firmware == .bios }?.loader == "/" + TestMedium.loader)
  }

  @Test func aSystemPartitionThatIsNoFATIsANote() async throws {
    var medium = try await TestMedium.shared
    let partition = try #require(try ISOReader(medium.image).efiSystemPartition).bounds
    medium.bytes.replaceSubrange(
      Int(partition.lowerBound)..<Int(partition.upperBound), with: TestMedium.noise(partition.count, seed: 4))
    let inspection = try await inspect(medium, try TemporaryFolder())
    #expect(inspection.notes.contains { $0.contains("could not be read") })
    #expect(inspection.loaders == [])
    #expect(inspection.bootPaths.contains { $0.firmware == .uefiIA32 && $0.note?.hasPrefix("unknown: ") == true })
  }

  @Test func theSystemPartitionIsReadInPlace() {
    let files = SystemPartitionFiles(path: "/srv/x.iso", offset: ByteCount(1_699_840))
    #expect(files.listing.arguments == ["-i", "/srv/x.iso@@1699840", "-b", "-/", "::/"])
    #expect(
      files.reading("/EFI/BOOT/BOOTX64.EFI").arguments == [
        "-i", "/srv/x.iso@@1699840", "::/EFI/BOOT/BOOTX64.EFI", "-",
      ])
    #expect(files.listing.package == "mtools")
  }
}
