// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import MediumReading
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import MediumWriting

extension ISOWriting {
  @Suite struct Sealed {
    @Test func verifies() async throws {
      let scratch = try TemporaryFolder()
      var tree = try bootableTree(
        in: scratch, [.init("a/b", .bytes(pattern(5000))), .init("l", .symbolicLink("a/b"))])
      let partition = pattern(1 << 20, seed: 7)
      var boot = pattern(40_000, seed: 3)
      for r in [8..<64, 2548..<2556] { for i in r { boot[i] = 0 } }
      let record = MediumRecord(
        lifeboat: "1", identifier: "0123456789abcdef", image: "x", title: "x", release: "bookworm",
        timestamp: timestamp, expires: nil,
        variants: [],
        files: [
          .init(path: ".disk/info", size: ByteCount(9), sha256: Digest(of: "Lifeboat\n")),
          .init(path: "a/b", size: ByteCount(5000), sha256: Digest(of: pattern(5000))),
        ],
        bootImages: [
          .init(
            path: "boot/eltorito.img", size: ByteCount(40_000), sha256: Digest(of: boot),
            masked: [[8, 56], [2548, 8]])
        ],
        efiSystemPartition: .init(size: ByteCount(1 << 20), sha256: Digest(of: partition)),
        bootCode: Digest(of: try bytes(of: hybridMBR)[..<MediumRecord.bootCodeLength]),
        layout: MediumRecord.layoutToCome)
      tree.identity = record.identifier
      tree.entries.append(
        .init(MediumRecord.path, .bytes([UInt8](try JSONEncoder().encode(record)))))
      let written = try await ISOImage.write(
        tree, to: scratch["out.iso"], finish: StructureSeal.finish())
      let report = try await MediumVerification.verify(written.path)
      #expect(report.findings.map(\.message) == [])
      #expect(report.isClean && report.coversLayout)
    }
  }
}
