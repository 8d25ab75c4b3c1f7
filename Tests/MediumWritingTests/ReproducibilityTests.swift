// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

extension ISOWriting {
  @Suite struct Reproducibility {
    private func fill(_ scratch: TemporaryFolder, touched: Int) throws {
      for index in 0..<40 {
        try scratch.file("tree/d\(index % 7)/f\(index)", pattern(index * 777 + 1, seed: UInt32(index + 1)))
      }
      try scratch.file("tree/boot/eltorito.img", pattern(30_000, seed: 5))
      try scratch.file("efi.img", pattern(65_536, seed: 6))
      try FileManager.default.createSymbolicLink(
        atPath: scratch["tree/link"].string, withDestinationPath: "d1/f1")
      let date = Date(timeIntervalSince1970: TimeInterval(touched))
      for name in try FileManager.default.subpathsOfDirectory(atPath: scratch["tree"].string) {
        try? FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: scratch["tree/\(name)"].string)
      }
    }

    private func write(_ scratch: TemporaryFolder, _ name: String, _ options: ISOImage.WriteOptions = .init())
      async throws
      -> Digest
    {
      let tree = try BootTree(
        folder: scratch["tree"], volumeIdentifier: "SAME", timestamp: timestamp,
        biosBoot: .init(image: "boot/eltorito.img", mbrFile: hybridMBR), efiSystemPartition: scratch["efi.img"])
      return try await ISOImage.digest(of: try await ISOImage.write(tree, to: scratch[name], options: options).path)
    }

    @Test func sameTreeSameBytes() async throws {
      let (one, other) = (try TemporaryFolder(), try TemporaryFolder())
      try fill(one, touched: 1_000_000_000)
      try fill(other, touched: 1_500_000_000)
      let digest = try await write(one, "a.iso")
      #expect(try await write(one, "b.iso") == digest)
      #expect(try await write(other, "c.iso") == digest)
    }

    /// Through the page cache and past it, on a disk and in RAM, the bytes are the same.
    @Test func anyWayOfWritingGivesTheSameBytes() async throws {
      let scratch = try TemporaryFolder()
      try fill(scratch, touched: 1)
      let digest = try await write(scratch, "a.iso")
      #expect(try await write(scratch, "b.iso", .init(unbuffered: false)) == digest)
      let inRAM = FilePath("/dev/shm/lifeboat-\(UUID().uuidString).iso")
      defer { unlink(inRAM.string) }
      let tree = try BootTree(
        folder: scratch["tree"], volumeIdentifier: "SAME", timestamp: timestamp,
        biosBoot: .init(image: "boot/eltorito.img", mbrFile: hybridMBR), efiSystemPartition: scratch["efi.img"])
      _ = try await ISOImage.write(tree, to: inRAM)
      #expect(try await ISOImage.digest(of: inRAM) == digest)
    }

    @Test func theTimeZoneLeavesNoTrace() async throws {
      let scratch = try TemporaryFolder()
      try fill(scratch, touched: 1)
      let example = programs.appending("iso-from-folder").string
      for zone in ["UTC", "Asia/Kathmandu", "America/St_Johns"] {
        _ = try await ExternalCommand(
          example,
          [
            scratch["tree"].string, "boot/eltorito.img", hybridMBR.string, scratch["efi.img"].string,
            scratch[zone.replacing("/", with: "-")].string,
          ], environment: ["TZ": zone]
        ).output()
      }
      let digests = try ["UTC", "Asia-Kathmandu", "America-St_Johns"].map { try Digest(ofFile: scratch[$0]) }
      #expect(Set(digests).count == 1)
    }

    @Test func anotherTimeGivesAnotherImage() async throws {
      let scratch = try TemporaryFolder()
      let tree = dataTree([.init("a", .bytes([1]))])
      var later = tree
      later.timestamp += 1
      _ = try await ISOImage.write(tree, to: scratch["a.iso"])
      _ = try await ISOImage.write(later, to: scratch["b.iso"])
      #expect(try bytes(of: scratch["a.iso"]) != bytes(of: scratch["b.iso"]))
    }

    @Test func orderOfEntriesDoesNotMatter() async throws {
      let scratch = try TemporaryFolder()
      var tree = dataTree((0..<50).map { .init("d\($0 % 5)/f\($0)", .bytes([UInt8($0)])) })
      _ = try await ISOImage.write(tree, to: scratch["a.iso"])
      tree.entries.reverse()
      _ = try await ISOImage.write(tree, to: scratch["b.iso"])
      #expect(try bytes(of: scratch["a.iso"]) == bytes(of: scratch["b.iso"]))
    }

    @Test func writesAtOnceDoNotDisturbEachOther() async throws {
      let scratch = try TemporaryFolder()
      let trees = (0..<6).map { number in
        dataTree((0..<100).map { .init("f\($0)", .bytes(pattern($0 * 100, seed: UInt32(number * 1000 + $0 + 1)))) })
      }
      var alone: [Digest] = []
      for tree in trees {
        alone.append(try await ISOImage.digest(of: ISOImage.write(tree, to: scratch["alone.iso"]).path))
      }
      let together = try await withThrowingTaskGroup(of: (Int, Digest).self) { group in
        for (index, tree) in trees.enumerated() {
          group.addTask {
            (index, try await ISOImage.digest(of: ISOImage.write(tree, to: scratch["\(index).iso"]).path))
          }
        }
        return try await group.reduce(into: [Int: Digest]()) { $0[$1.0] = $1.1 }
      }
      #expect((0..<6).map { together[$0] } == alone)
      #expect(Set(alone).count == 6)
    }
  }
}
