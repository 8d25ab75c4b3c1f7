// SPDX-License-Identifier: GPL-3.0-or-later
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// Images that are UDF volumes, made by genisoimage.
@Suite struct UDFTests {
  @Test func theFilesOfAUDFVolumeAreCounted() async throws {
    let scratch = try TemporaryFolder()
    try scratch.write("tree/sources/install.wim", TestMedium.noise(70_000, seed: 1))
    try scratch.write("tree/boot/a\u{1B}[31m", "x")
    let iso = scratch.path.appending("out.iso")
    let tree = scratch.path.appending("tree").string
    do {
      try await ExternalCommand("genisoimage", ["-quiet", "-udf", "-o", iso.string, tree]).run()
    } catch ExternalCommand.Failure.notInstalled { try Test.cancel("genisoimage is not installed") }
    #expect(try ISOReader(iso).udf == "NSR02")
    let inspection = try await ISOInspection.inspect(iso)
    let note = try #require(inspection.notes.first { $0.contains("UDF volume (NSR02)") })
    guard !note.contains("not listed") else { try Test.cancel("7z is not installed: \(note)") }
    #expect(inspection.contents.files == 2)
    #expect(inspection.contents.folders == 2)
    #expect(inspection.contents.largest.first == .init(path: "/sources/install.wim", size: ByteCount(70_000)))
    #expect(!inspection.contents.largest.contains { $0.path.contains("\u{1B}") })
  }

  @Test func aListingIsRead() {
    let listing = """
      Path = sources
      Folder = +
      Size =

      Path = sources/a = b
      Folder = -
      Size = 12
      """
    let contents = UDFListing.contents(listing)
    #expect((contents.files, contents.folders, contents.bytes) == (1, 1, ByteCount(12)))
    #expect(contents.largest.map(\.path) == ["/sources/a = b"])
    #expect(UDFListing.command("x.iso").arguments.starts(with: ["--cpu=30", "--as=1073741824", "7z", "l"]))
  }

  @Test func anImageWithoutUDFSaysNothingOfIt() async throws {
    let medium = try await TestMedium.shared
    #expect(try ISOReader(medium.image).udf == nil)
  }

  /// UDF alone, which has no descriptor of ISO 9660.
  @Test func udfAloneIsNamed() {
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    for (index, name) in ["BEA01", "NSR03", "TEA01"].enumerated() {
      bytes.replaceSubrange(32769 + index * 2048..<32774 + index * 2048, with: Array(name.utf8))
    }
    #expect(throws: ISOReader.Failure.udfAlone(path: "udf.iso")) {
      try ISOReader(DiskImageReader(path: "udf.iso", source: MemoryBytes(bytes)))
    }
  }
}
