// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

extension ISOWriting {
  /// What partition tables and descriptors say, as foreign programs read them.
  @Suite struct Structure {
    /// El Torito and system area as xorriso reports them; block addresses count, because images are reproducible.
    private func report(_ image: FilePath) async throws -> String {
      let text = try await ExternalCommand(
        "xorriso", ["-indev", image.string, "-report_el_torito", "plain", "-report_system_area", "plain"],
        package: "xorriso"
      ).text()
      let wanted = ["El Torito", "System area", "ISO image size", "Partition", "MBR", "GPT"]
      return text.split(separator: "\n").filter { line in wanted.contains { line.hasPrefix($0) } }
        .joined(separator: "\n") + "\n"
    }

    /// Three kinds of media: everything; BIOS disc only; UEFI only.
    @Test(arguments: ["hybrid", "bios-disc", "uefi"])
    func matchesGolden(kind: String) async throws {
      let scratch = try TemporaryFolder()
      var tree = try bootableTree(in: scratch)
      if kind != "hybrid" { tree.biosBoot?.hybridMBR = nil }
      if kind == "bios-disc" { tree.efiSystemPartition = nil }
      if kind == "uefi" { tree.biosBoot = nil }
      _ = try await ISOImage.write(tree, to: scratch["out.iso"])
      let actual = try await report(scratch["out.iso"])
      #expect(try Golden.difference(actual, "Fixtures/iso/\(kind).report") == nil)
    }

    @Test func plainDataHasNoBootStructures() async throws {
      let scratch = try TemporaryFolder()
      _ = try await ISOImage.write(dataTree([.init("a", .bytes([1]))]), to: scratch["out.iso"])
      #expect(try await report(scratch["out.iso"]) == "\n")
      let firstSectors = try bytes(of: scratch["out.iso"]).prefix(32_768)
      #expect(firstSectors.allSatisfy { $0 == 0 })
    }

    @Test func partitionTableIsSound() async throws {
      let scratch = try TemporaryFolder()
      _ = try await ISOImage.write(try bootableTree(in: scratch), to: scratch["out.iso"])
      let verdict = try await ExternalCommand("/usr/sbin/sgdisk", ["-v", scratch["out.iso"].string], package: "gdisk")
        .text()
      #expect(verdict.contains("No problems found"))
      let partition = try await ExternalCommand(
        "/usr/sbin/sgdisk", ["-i", "2", scratch["out.iso"].string], package: "gdisk"
      ).text()
      #expect(partition.contains("C12A7328-F81F-11D2-BA4B-00A0C93EC93B"))
    }

    /// The bytes of partition 2 are the image that was given, and El Torito's EFI entry points at them.
    @Test func partitionTwoIsTheImageThatWasGiven() async throws {
      let scratch = try TemporaryFolder()
      let tree = try bootableTree(in: scratch)
      _ = try await ISOImage.write(tree, to: scratch["out.iso"])
      let line = try await report(scratch["out.iso"]).split(separator: "\n")
        .first { $0.hasPrefix("GPT start and size :   2") }
      let numbers = try #require(line).split(separator: " ").compactMap { Int($0) }
      let start = numbers[1] * 512
      let image = try bytes(of: scratch["out.iso"])
      #expect(Array(image[start..<start + numbers[2] * 512]) == (try bytes(of: scratch["efi.img"])))
    }

    @Test func blkidKnowsTheVolume() async throws {
      let scratch = try TemporaryFolder()
      _ = try await ISOImage.write(try bootableTree(in: scratch), to: scratch["out.iso"])
      let text = try await ExternalCommand(
        "/usr/sbin/blkid", ["-p", "-o", "export", scratch["out.iso"].string], package: "util-linux"
      ).text()
      for line in [
        "LABEL=LIFEBOAT_TEST", "TYPE=iso9660", "UUID=2026-01-02-03-04-05-00", "PTTYPE=gpt", "APPLICATION_ID=LIFEBOAT",
      ] {
        #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)")
      }
      // Partition 1 is a file system of its own, with the same name.
      let partition = try await ExternalCommand(
        "/usr/sbin/blkid", ["-p", "-O", "32768", "-o", "value", "-s", "LABEL", scratch["out.iso"].string]
      ).text()
      #expect(partition == "LIFEBOAT_TEST\n")
    }

    @Test func reportsWhatItWrote() async throws {
      let scratch = try TemporaryFolder()
      let tree = try bootableTree(in: scratch, [.init("l", .symbolicLink("x")), .init("d", .folder)])
      let written = try await ISOImage.write(tree, to: scratch["out.iso"])
      let image = try bytes(of: scratch["out.iso"])
      #expect(written.path == scratch["out.iso"])
      #expect(written.size == ByteCount(image.count))
      #expect(written.files == 2)
      #expect(written.notes == [])
      #expect(written.contentStart.bytes % 2048 == 0 && written.contentStart.bytes > 65_536)
      #expect(try await ISOImage.digest(of: written.path) == Digest(of: image))
    }

    /// The boot information table of the El Torito image (checked against its own definition) and GRUB's patch.
    @Test func bootImageKnowsWhereItIs() async throws {
      let scratch = try TemporaryFolder()
      let tree = try bootableTree(in: scratch)
      _ = try await ISOImage.write(tree, to: scratch["out.iso"])
      try await extract(scratch["out.iso"], to: scratch["x"])
      let source = pattern(40_000, seed: 3)
      let patched = try bytes(of: scratch["x"].appending("boot/eltorito.img"))
      let masked: Set<Int> = Set(Array(8..<64) + Array(2548..<2556))
      let differing = zip(source, patched).enumerated().filter { $1.0 != $1.1 }.map(\.offset)
      #expect(patched.count == source.count)
      #expect(differing.allSatisfy { masked.contains($0) })
      func word(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(patched[offset + $1]) << (8 * $1) } }
      #expect(word(8) == 16)
      #expect(word(16) == 40_000)
      let image = try bytes(of: scratch["out.iso"])
      let start = word(12) * 2048
      #expect(Array(image[start..<start + 40_000]) == patched)
      #expect(word(2548) == word(12) * 4 + 5)
    }

    @Test func leavesTheReservedFieldToTheSeal() async throws {
      let scratch = try TemporaryFolder()
      let seal = pattern(512, seed: 99)
      let written = try await ISOImage.write(
        try bootableTree(in: scratch), to: scratch["out.iso"],
        finish: { descriptor, size in
          let field = ISOImage.reservedField
          let before = try descriptor.read(at: field.lowerBound, count: 512)
          #expect(before == [UInt8](repeating: 0, count: 512))
          #expect(try descriptor.seek(offset: 0, from: .end) == size.bytes)
          _ = try descriptor.writeAll(toAbsoluteOffset: field.lowerBound, seal)
        })
      let image = try bytes(of: scratch["out.iso"])
      #expect(Array(image[(32_768 + 883)..<(32_768 + 883 + 512)]) == seal)
      #expect(try await ISOImage.digest(of: written.path) == Digest(of: image))
      let verdict = try await ExternalCommand("/usr/sbin/sgdisk", ["-v", written.path.string]).text()
      #expect(verdict.contains("No problems found"))
    }

    @Test func aSealThatFailsLeavesNothing() async throws {
      let scratch = try TemporaryFolder()
      await #expect(throws: Errno.permissionDenied) {
        _ = try await ISOImage.write(
          dataTree([]), to: scratch["out.iso"], finish: { _, _ in throw Errno.permissionDenied })
      }
      #expect(scratch.names == [])
    }
  }
}

extension FileDescriptor {
  fileprivate func read(at offset: Int64, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = try read(fromAbsoluteOffset: offset, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}
