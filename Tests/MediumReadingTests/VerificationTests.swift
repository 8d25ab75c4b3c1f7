// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Signing
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import MediumReading

@Suite struct VerificationTests {
  typealias Finding = MediumVerification.Finding

  private func verify(_ source: any ByteSource, _ scope: MediumVerification.Scope = .automatic) async throws
    -> MediumVerification.Report
  {
    try await MediumVerification.verify(DiskImageReader(path: "test.iso", source: source), scope: scope)
  }

  private func flipped(_ medium: TestMedium, _ places: Int..., by mask: UInt8 = 0x01) -> Patched {
    Patched(
      base: medium.bytes,
      patches: Dictionary(uniqueKeysWithValues: places.map { (Int64($0), medium.bytes[$0] ^ mask) }))
  }

  @Test func anIntactMediumIsCleanAndWhollyAccountedFor() async throws {
    let medium = try await TestMedium.shared
    let report = try await verify(MemoryBytes(medium.bytes))
    #expect(report.findings == [])
    #expect(report.unchecked == [])
    #expect(report.isClean)
    #expect(report.checked == ByteCount(medium.bytes.count))
    #expect(report.files == medium.record.files.count + 1)
    #expect(report.identifier == TestMedium.identifier)
    #expect(try JSONDecoder().decode(MediumRecord.self, from: Data(report.recordBytes)) == medium.record)
    #expect(report.signatureBytes == Array("-----BEGIN SSH SIGNATURE-----\n".utf8))
  }

  @Test func aSealSaysWhatItSealed() async throws {
    let medium = try await TestMedium.shared
    let seal = try #require(StructureSeal(field: Array(medium.bytes[33651..<34163])))
    #expect(seal.imageSize == ByteCount(medium.bytes.count))
    #expect(seal.digests.count == SealedClass.allCases.count)
    #expect(StructureSeal(field: seal.field) == seal)
  }

  /// Every byte of the medium is answered for: a flip at any of many places is found, and the finding names it.
  @Test func aFlippedByteAnywhereIsFoundWithItsRange() async throws {
    let medium = try await TestMedium.shared
    var generator = SplitMix(seed: 20)
    var places = Array(stride(from: 0, to: medium.bytes.count, by: 4 * 997 + 1))
    places += (0..<200).map { _ in Int.random(in: 0..<medium.bytes.count, using: &generator) }
    for place in places {
      let mask = UInt8.random(in: 1...255, using: &generator)
      let report = try await verify(flipped(medium, place, by: mask))
      #expect(covers(report, place), "byte \(place) ^ \(mask): \(report.findings.map(\.message))")
    }
  }

  /// Many bytes of the small structures: here a flip changes how the medium is understood.
  @Test(arguments: [0..<600, 1024..<1300, 32768..<33000, 33640..<33700, 34120..<34170, 34816..<34900, 36864..<37060])
  func aFlippedByteOfAStructureIsFound(range: Range<Int>) async throws {
    let medium = try await TestMedium.shared
    for place in stride(from: range.lowerBound, to: range.upperBound, by: 3) {
      let report = try await verify(flipped(medium, place, by: UInt8(1 << (place % 8))))
      #expect(covers(report, place), "byte \(place): \(report.findings.map(\.message))")
    }
  }

  private func covers(_ report: MediumVerification.Report, _ place: Int) -> Bool {
    report.findings.contains { $0.ranges.contains { $0.bounds.contains(Int64(place)) } }
  }

  @Test func everyClassOfStructureIsNamed() async throws {
    let medium = try await TestMedium.shared
    let map = MediumMap(try ISOReader(medium.image), record: medium.record)
    for sealed in SealedClass.allCases {
      let range = try #require(map.ranges(of: sealed).last, "\(sealed) has no bytes on the test medium")
      let place = Int(range.upperBound - 1)
      let report = try await verify(flipped(medium, place))
      let finding = report.findings.first { $0.ranges.contains { $0.bounds.contains(Int64(place)) } }
      #expect((finding?.structure ?? finding?.file) == sealed.title)
    }
  }

  @Test func aDamagedPieceIsNamedInTheFileAndOnTheMedium() async throws {
    let medium = try await TestMedium.shared
    let node = try #require(try ISOReader(medium.image).tree.node(TestMedium.layer))
    let start = try #require(node.extents.first).offset.bytes
    let report = try await verify(flipped(medium, Int(start) + (1 << 20) + 5))
    let finding = try #require(report.findings.first)
    #expect(report.findings.count == 1)
    #expect(finding.file == "/" + TestMedium.layer)
    #expect(finding.kind == .changed)
    #expect(finding.inFile == ByteRange(1 << 20..<1_200_000))
    #expect(finding.ranges == [ByteRange(start + 1 << 20..<start + 1_200_000)])
    #expect(finding.expected == medium.record.files.first { $0.path == TestMedium.layer }?.pieces?[1].hex)
    #expect(finding.actual?.count == 64)
    #expect(finding.message.contains("bytes 1,048,576…1,199,999 of it"))
  }

  @Test func twoDamagedPlacesAreTwoFindings() async throws {
    let medium = try await TestMedium.shared
    let reader = try ISOReader(medium.image)
    let layer = try #require(reader.tree.node(TestMedium.layer)?.extents.first).offset.bytes
    let system = try #require(reader.efiSystemPartition).offset.bytes
    let report = try await verify(flipped(medium, Int(layer) + 9, Int(system) + 3))
    #expect(report.findings.map { $0.structure ?? $0.file } == ["/" + TestMedium.layer, "EFI system partition"])
  }

  @Test func paddingThatWasZeroIsNamedByteByByte() async throws {
    let medium = try await TestMedium.shared
    let map = MediumMap(try ISOReader(medium.image), record: medium.record)
    let range = try #require(map.ranges(of: .filePadding).first)
    let report = try await verify(flipped(medium, Int(range.lowerBound)))
    #expect(report.findings.first?.ranges == [ByteRange(range.lowerBound..<range.lowerBound + 1)])
  }

  @Test(arguments: [1, 512, 2048, 300_000, 900_000])
  func aTruncatedImageIsRefused(by missing: Int) async throws {
    let medium = try await TestMedium.shared
    let expected = MediumVerification.Failure.truncated(
      path: "test.iso", expected: ByteCount(medium.bytes.count), actual: ByteCount(medium.bytes.count - missing))
    await #expect(throws: expected) { try await verify(MemoryBytes(medium.bytes.dropLast(missing))) }
    #expect(expected.remedy != nil)
  }

  @Test(arguments: [0, 1, 511, 512, 32768, 33000, 34000, 34816, 40000])
  func anImageCutNearItsStartIsRefused(at size: Int) async throws {
    let medium = try await TestMedium.shared
    #expect(await failsWithDiagnosis { try await verify(MemoryBytes(Array(medium.bytes[..<size]))) })
  }

  @Test func bytesAfterTheImageAreAFindingUnlessTheyAreTheRestOfAStick() async throws {
    let medium = try await TestMedium.shared
    let longer = MemoryBytes(medium.bytes + TestMedium.noise(10_000, seed: 3))
    let report = try await verify(longer)
    #expect(report.findings.map(\.kind) == [.trailing])
    #expect(
      report.findings.first?.ranges == [ByteRange(Int64(medium.bytes.count)..<Int64(medium.bytes.count + 10_000))])
    #expect(try await verify(longer, .imageOnly).isClean)
    let stick = DiskImageReader(path: "/dev/sdz", source: longer, isBlockDevice: true)
    #expect(try await MediumVerification.verify(stick).isClean)
    #expect(try await MediumVerification.verify(stick, scope: .whole).findings.map(\.kind) == [.trailing])
  }

  @Test func aStickIsReadUpToTheEndOfTheImage() async throws {
    let scratch = try TemporaryFolder()
    let medium = try await TestMedium.shared
    let file = try scratch.write("stick", medium.bytes + TestMedium.noise(1 << 20, seed: 6))
    guard let line = try? await ExternalCommand("losetup", ["-r", "-f", "--show", file.string]).text() else {
      try Test.cancel("no loop device can be had: this test needs root and losetup")
    }
    let device = FilePath(line.trimmingCharacters(in: .whitespacesAndNewlines))
    let report = await Task { try await MediumVerification.verify(device) }.result
    let inspection = await Task { try await ISOInspection.inspect(device) }.result
    try await ExternalCommand("losetup", ["-d", device.string]).run()
    #expect(try report.get().isClean)
    #expect(try report.get().imageSize == ByteCount(medium.bytes.count))
    #expect(try inspection.get().loaders.map(\.machine) == ["ia32"])
    #expect(try inspection.get().partitionTable?.backup?.isValid == true)
  }

  @Test func withoutASealStructuresAreUnchecked() async throws {
    let medium = try await TestMedium.shared
    let report = try await verify(MemoryBytes(medium.unsealed))
    #expect(report.findings.map(\.kind) == [.unsealed])
    #expect(!report.isClean)
    #expect(report.unchecked.contains { $0.offset == .zero })
    #expect(report.checked < report.imageSize)
  }

  @Test func badSectorsAreNamedAndTheRestIsChecked() async throws {
    let medium = try await TestMedium.shared
    let start = try #require(try ISOReader(medium.image).tree.node(TestMedium.layer)?.extents.first).offset.bytes
    let bad = start + 4096..<start + 6144
    let report = try await verify(BadSectors(base: medium.bytes, bad: bad))
    #expect(report.findings.map(\.kind).sorted { $0.rawValue < $1.rawValue } == [.changed, .unreadable])
    #expect(report.findings.first { $0.kind == .unreadable }?.ranges == [ByteRange(bad)])
    #expect(report.findings.first { $0.kind == .changed }?.file == "/" + TestMedium.layer)
  }

  /// A signature that the drive does not read is not one that is missing.
  @Test func aSignatureThatCannotBeReadIsNotAbsent() async throws {
    let medium = try await TestMedium.shared
    let place = try #require(try ISOReader(medium.image).tree.node(MediumRecord.signaturePath)?.extents.first).bounds
    let bad = place.lowerBound..<place.lowerBound + 2048
    let report = try await verify(BadSectors(base: medium.bytes, bad: bad))
    #expect(report.findings.contains { $0.kind == .unreadable && $0.ranges == [ByteRange(bad)] })
    let failure = await #expect(throws: SigningFailure.self) { try await report.checkSignature(publicKey: "/nowhere") }
    #expect(failure?.code == "signature-unreadable")
    #expect(failure?.kind == .inputOutput)
  }

  /// Reading a bad drive block by block ends when the task does.
  @Test func aCancelledVerificationOfABadDriveEnds() async throws {
    let medium = try await TestMedium.shared
    let source = CountedErrors(size: Int64(medium.bytes.count))
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      let map = MediumMap(try ISOReader(medium.image), record: medium.record)
      _ = try await MediumSweep(map, inPieces: [], image: DiskImageReader(path: "bad", source: source)) { _ in }
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(source.reads.withLock { $0 } < 3)
  }

  /// A drive that reads nothing, and counts how often it was asked.
  private final class CountedErrors: ByteSource {
    let size: Int64
    let reads = Mutex(0)
    init(size: Int64) { self.size = size }
    func read(at offset: Int64, count: Int) throws -> [UInt8] {
      reads.withLock { $0 += 1 }
      throw Errno.ioError
    }
  }

  private struct BadSectors: ByteSource {
    let base: [UInt8]
    let bad: Range<Int64>
    var size: Int64 { Int64(base.count) }
    func read(at offset: Int64, count: Int) throws -> [UInt8] {
      guard !bad.overlaps(offset..<offset + Int64(count)) else { throw Errno.ioError }
      return Array(base[Int(offset)..<Int(offset) + count])
    }
  }

  @Test func progressReachesTheEnd() async throws {
    let medium = try await TestMedium.shared
    let last = LastEvent()
    _ = try await MediumVerification.verify(medium.image) { event in
      if case .advanced(_, let done, _) = event { last.set(done) }
    }
    #expect(last.value == ByteCount(medium.bytes.count))
  }

  private final class LastEvent: @unchecked Sendable {
    private let lock = NSLock()
    private var done = ByteCount.zero
    func set(_ value: ByteCount) { lock.withLock { done = value } }
    var value: ByteCount { lock.withLock { done } }
  }
}
