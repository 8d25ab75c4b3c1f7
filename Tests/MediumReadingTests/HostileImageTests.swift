// SPDX-License-Identifier: GPL-3.0-or-later
import BootAssembly
import Foundation
import HostSystem
import Signing
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// Images made to break a reader: whatever they say, reading ends, and ends without a trap.
@Suite struct HostileImageTests {
  /// Reads everything there is to read; an error that can be explained is as good as a result.
  private func readAll(_ source: Patched) async throws {
    let image = DiskImageReader(path: "hostile.iso", source: source)
    guard let reader = try? ISOReader(image) else { return }
    let layout = ImageLayout(reader)
    var cursor: Int64 = 0
    for region in layout.regions {
      try #require(region.range.lowerBound == cursor && !region.range.isEmpty)
      cursor = region.range.upperBound
    }
    try #require(cursor == source.size)
    for node in reader.tree.nodes.prefix(5) { _ = try? reader.content(of: node, limit: .mebibytes(4)) }
    _ = LayoutSummary.ranges(of: reader, record: nil)
  }

  private func structures(_ medium: TestMedium) throws -> [Range<Int64>] {
    ImageLayout(try ISOReader(medium.image)).regions.compactMap {
      if case .structure(let kind) = $0.owner, kind != .filePadding, kind != .gap, kind != .partition {
        $0.range
      } else {
        nil
      }
    }
  }

  @Test func randomBytesInStructuresNeverTrap() async throws {
    let medium = try await TestMedium.shared
    let ranges = try structures(medium)
    var generator = SplitMix(seed: 99)
    for _ in 0..<1500 {
      var patches: [Int64: UInt8] = [:]
      for _ in 0..<Int.random(in: 1...12, using: &generator) {
        guard let range = ranges.randomElement(using: &generator) else { continue }
        let interesting: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, .random(in: 0...255, using: &generator)]
        patches[.random(in: range, using: &generator)] = interesting.randomElement(using: &generator) ?? 0
      }
      try await readAll(Patched(base: medium.bytes, patches: patches))
    }
  }

  @Test func everyFieldOfTheDescriptorAtItsExtremesIsHarmless() async throws {
    let medium = try await TestMedium.shared
    for start in stride(from: Int64(32768 + 80), to: 32768 + 190, by: 2) {
      for value: UInt8 in [0, 0xFF] {
        let patches = Dictionary(uniqueKeysWithValues: (0..<4).map { (start + $0, value) })
        try await readAll(Patched(base: medium.bytes, patches: patches))
      }
    }
  }

  @Test(arguments: [0, 100, 32768, 34816, 36864, 40960, 60_000, 100_000, 200_000, 1_000_000])
  func aTruncatedImageIsReadOrRefused(size: Int) async throws {
    let medium = try await TestMedium.shared
    try await readAll(Patched(base: Array(medium.bytes.prefix(size)), patches: [:]))
  }

  /// The record of a folder, made to point to the root: a loop.
  @Test func aDirectoryLoopEnds() async throws {
    let medium = try await TestMedium.shared
    let reader = try ISOReader(medium.image)
    let root = reader.information.rootBlock
    let directory = try #require(reader.tree.nodes.first).extents[0].bounds
    var patches: [Int64: UInt8] = [:]
    // The third record is that of the first folder: behind the records of the root and its parent.
    var place = directory.lowerBound
    for _ in 0..<2 { place += Int64(medium.bytes[Int(place)]) }
    for index in 0..<4 { patches[place + 2 + Int64(index)] = UInt8(truncatingIfNeeded: root >> (8 * Int64(index))) }
    let looped = try ISOReader(DiskImageReader(path: "x", source: Patched(base: medium.bytes, patches: patches)))
    #expect(looped.problems.contains { $0.what.contains("stands at the place of another one") })
  }

  @Test func aContinuationLoopEnds() throws {
    // CE that points to itself: block 0, offset 0, length 28.
    var field = Array("CE".utf8) + [28, 1] + [UInt8](repeating: 0, count: 24)
    field[20] = 28
    let image = DiskImageReader(path: "x", source: MemoryBytes(field + [UInt8](repeating: 0, count: 4096)))
    let rock = try RockRidge(field[...], volumeOffset: 0, blockSize: 2048, image: image)
    #expect(rock.problem != nil)
    #expect(rock.continuations == [0..<28])
  }

  @Test func overlappingFilesAreReportedNotHashedTwice() async throws {
    let medium = try await TestMedium.shared
    let reader = try ISOReader(medium.image)
    // Make /.disk/info as long as the rest of the image: it then covers whatever follows it.
    let parent = try #require(reader.tree.node(".disk")?.extents.first).bounds
    var place = parent.lowerBound
    for _ in 0..<2 { place += Int64(medium.bytes[Int(place)]) }
    let info = try #require(reader.tree.node(".disk/info")?.extents.first).offset
    let length = Int64(medium.bytes.count) - info.bytes
    let patches = Dictionary(
      uniqueKeysWithValues: (0..<4).map {
        (place + 10 + Int64($0), UInt8(truncatingIfNeeded: length >> (8 * Int64($0))))
      })
    let source = Patched(base: medium.bytes, patches: patches)
    let report = try await MediumVerification.verify(DiskImageReader(path: "x", source: source))
    #expect(report.findings.contains { $0.structure == SealedClass.directories.title })
    #expect(report.findings.contains { $0.file == "/.disk/info" })
  }

  @Test func namesFromTheMediumCannotControlATerminal() {
    #expect("a\u{1B}[2Jb\n\u{202E}c".printable == "a\u{FFFD}[2Jb\u{FFFD}\u{FFFD}c")
  }

  @Test func masksOfARecordAreTamed() {
    let image = MediumRecord.BootImage(
      path: "x", size: ByteCount(100), sha256: Digest(of: ""),
      masked: [[50, 10], [8, 56], [], [1], [-5, 3], [90, .max], [99, 50], [200, 5], [10, -1]])
    #expect(MediumMap.ranges(of: image) == [8..<64, 99..<100])
  }

  /// A record is signed, but verification runs before anybody looks at the signature.
  @Test(arguments: [Int64.min, -1, 0, 1, 1 << 40, .max])
  func anySizesInARecordAreHarmless(size: Int64) async throws {
    let medium = try await TestMedium.shared
    let reader = try ISOReader(medium.image)
    var record = medium.record
    record.efiSystemPartition?.size = ByteCount(size)
    for index in record.files.indices { record.files[index].size = ByteCount(size) }
    for index in record.bootImages.indices {
      record.bootImages[index].size = ByteCount(size)
      record.bootImages[index].masked = [[0, .max], [.min, 5], [Int(truncatingIfNeeded: size), 3]]
    }
    record.files += record.files
    let map = MediumMap(reader, record: record)
    let inPieces = VerificationVerdict.contentsInPieces(map, record)
    let sweep = try await MediumSweep(map, inPieces: inPieces, image: medium.image) { _ in }
    var verdict = VerificationVerdict(reader: reader, map: map, record: record, seal: nil, sweep: sweep)
    let report = try verdict.report(true)
    #expect(report.findings.contains { $0.file == "/" + TestMedium.layer && $0.actual == "1,200,000 bytes" })
    #expect(report.checked <= report.imageSize)
  }

  @Test func anyBytesAreNoPortableExecutable() {
    var generator = SplitMix(seed: 5)
    for _ in 0..<500 {
      var bytes = (0..<400).map { _ in UInt8.random(in: 0...255, using: &generator) }
      bytes.replaceSubrange(0..<2, with: Array("MZ".utf8))
      bytes.replaceSubrange(0x3C..<0x40, with: [0x40, 0, 0, 0])
      bytes.replaceSubrange(0x40..<0x44, with: Array("PE\0\0".utf8))
      bytes.replaceSubrange(0x58..<0x5A, with: [0x0B, Bool.random(using: &generator) ? 1 : 2])
      let loader = EFILoader(place: .iso, path: "/x", bytes: bytes)
      #expect(loader.signatures.isEmpty)
    }
  }
}
