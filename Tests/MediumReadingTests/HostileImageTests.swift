// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Signing
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

/// Images made to break a reader: whatever they say, reading ends, and ends without a trap.
@Suite struct HostileImageTests {
  /// What became of reading everything that there is to read.
  private enum Outcome: Equatable {
    case read(problems: Int, files: Int)
    case refused(code: String)

    var code: String? { if case .refused(let code) = self { code } else { nil } }
    var problems: Int { if case .read(let problems, _) = self { problems } else { 0 } }
    var files: Int { if case .read(_, let files) = self { files } else { 0 } }
  }

  private func readAll(_ source: Patched) async throws -> Outcome {
    let image = DiskImageReader(path: "hostile.iso", source: source)
    let reader: ISOReader
    do { reader = try ISOReader(image) } catch let failure as ISOReader.Failure {
      return .refused(code: failure.code)
    }
    let layout = ImageLayout(reader)
    var cursor: Int64 = 0
    for region in layout.regions {
      try #require(region.range.lowerBound == cursor && !region.range.isEmpty)
      cursor = region.range.upperBound
    }
    try #require(cursor == source.size)
    for node in reader.tree.nodes.prefix(5) { _ = try? reader.content(of: node, limit: .mebibytes(4)) }
    _ = LayoutSummary.ranges(of: reader, record: nil)
    return .read(problems: reader.problems.count, files: reader.tree.nodes.count { $0.kind == .file })
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

  /// Those that are not hostile read, whole and without a complaint.
  @Test func anImageThatNobodyChangedReads() async throws {
    let medium = try await TestMedium.shared
    // The record lists all files but itself, its signature, the sums, the boot image and the catalogue.
    let files = medium.record.files.count + 5
    #expect(try await readAll(Patched(base: medium.bytes, patches: [:])) == .read(problems: 0, files: files))
    let reader = try ISOReader(medium.image)
    for file in medium.record.files {
      #expect(try Digest(of: reader.content(of: file.path)) == file.sha256, "\(file.path)")
    }
  }

  @Test func randomBytesInStructuresNeverTrap() async throws {
    let medium = try await TestMedium.shared
    let ranges = try structures(medium)
    var generator = SplitMix(seed: 99)
    var codes: [String: Int] = [:]
    var (clean, complained) = (0, 0)
    for _ in 0..<1500 {
      var patches: [Int64: UInt8] = [:]
      for _ in 0..<Int.random(in: 1...12, using: &generator) {
        guard let range = ranges.randomElement(using: &generator) else { continue }
        let interesting: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, .random(in: 0...255, using: &generator)]
        patches[.random(in: range, using: &generator)] = interesting.randomElement(using: &generator) ?? 0
      }
      let outcome = try await readAll(Patched(base: medium.bytes, patches: patches))
      if let code = outcome.code { codes[code, default: 0] += 1 }
      if outcome.problems > 0 { complained += 1 } else if outcome.files > 0 { clean += 1 }
    }
    // Most changes leave an image that reads; of the others each is refused by its name, not just by any error.
    #expect(clean > 300 && complained > 100, "\(clean) \(complained) \(codes)")
    #expect(Set(codes.keys).isSubset(of: ["not-an-iso", "damaged-image"]), "\(codes)")
    #expect(clean + complained + codes.values.reduce(0, +) == 1500)
  }

  @Test func everyFieldOfTheDescriptorAtItsExtremesHasItsAnswer() async throws {
    let medium = try await TestMedium.shared
    for start in stride(from: 80, to: 190, by: 2) {
      for value: UInt8 in [0, 0xFF] {
        let patches = Dictionary(uniqueKeysWithValues: (0..<4).map { (Int64(32768 + start + $0), value) })
        let outcome = try await readAll(Patched(base: medium.bytes, patches: patches))
        // The block size, in the byte order that is read (128), can be none of these; the root's place (158) and length
        // (166) lead nowhere.
        #expect(outcome.code == ([126, 128].contains(start) ? "damaged-image" : nil), "\(start)")
        if [158, 166].contains(start) { #expect(outcome.problems > 0, "\(start)") }
      }
    }
  }

  @Test(arguments: [
    (0, "empty-image"), (100, "not-an-iso"), (32768, "not-an-iso"), (34816, nil), (36864, nil), (40960, nil),
    (60_000, nil), (100_000, nil), (200_000, nil), (1_000_000, nil),
  ])
  func aTruncatedImageIsReadOrRefusedByItsName(size: Int, code: String?) async throws {
    let medium = try await TestMedium.shared
    let outcome = try await readAll(Patched(base: Array(medium.bytes.prefix(size)), patches: [:]))
    #expect(outcome.code == code)
    if code == nil { #expect(outcome.problems > 0) }
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
    var budget: Int64 = 1 << 20
    let rock = try RockRidge(field[...], volumeOffset: 0, blockSize: 2048, image: image, budget: &budget)
    #expect(rock.problem != nil)
    #expect(rock.continuations == [0..<28])
  }

  /// Each of many records leads to the same long chain of continuation areas: all together cost what an image's size
  /// says, not what their number says.
  @Test func continuationAreasHaveATotalBudget() throws {
    let (blocks, first) = (600, 500)
    var bytes = [UInt8](repeating: 0, count: blocks * 2048)
    func put(_ number: Int, at place: Int) {
      bytes.replaceSubrange(place..<place + 4, with: ExpectedTables.little(Int64(number), 4))
    }
    func continuation(_ block: Int, at place: Int) {
      bytes.replaceSubrange(place..<place + 4, with: Array("CE".utf8) + [28, 1])
      put(block, at: place + 4)
      put(2048, at: place + 20)
    }
    bytes.replaceSubrange(32768..<32776, with: [1] + Array("CD001".utf8) + [1, 0])
    put(blocks, at: 32768 + 80)
    bytes[32768 + 129] = 8
    put(20, at: 32768 + 158)
    put((first - 20) * 2048, at: 32768 + 166)
    for block in 20..<first {
      for index in 0..<33 {
        let place = block * 2048 + index * 62
        (bytes[place], bytes[place + 32], bytes[place + 33]) = (62, 1, 0x41)
        continuation(first, at: place + 34)
      }
    }
    for block in first..<first + 64 { continuation(block + 1, at: block * 2048) }
    let source = CountedBytes(bytes)
    let reader = try ISOReader(DiskImageReader(path: "chain.iso", source: source))
    #expect(reader.problems.contains { $0.what.contains("Rock Ridge continuation areas than on any real image") })
    #expect(source.read.withLock { $0 } < 4 * bytes.count)
  }

  private final class CountedBytes: ByteSource {
    private let bytes: MemoryBytes
    let read = Mutex(0)
    var size: Int64 { bytes.size }
    init(_ bytes: [UInt8]) { self.bytes = MemoryBytes(bytes) }
    func read(at offset: Int64, count: Int) throws -> [UInt8] {
      read.withLock { $0 += count }
      return try bytes.read(at: offset, count: count)
    }
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
