// SPDX-License-Identifier: GPL-3.0-or-later
import Foundation
import HostSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import FlashMedia

@Suite struct SessionTests {
  let folder = try? TemporaryFolder()
  static let megabyte = 1 << 20

  /// 21 MiB and an odd end: data at the start, in the middle and at the end, holes between them.
  func image(_ name: String = "image") throws -> FilePath {
    try ImageMaker.sparse(
      try #require(folder).appending(name), size: 21 * Self.megabyte + 700,
      data: [
        0..<3 * Self.megabyte + 5, 8 * Self.megabyte + 4096..<13 * Self.megabyte,
        21 * Self.megabyte..<21 * Self.megabyte + 700,
      ])
  }

  func run(
    _ image: FilePath, _ targets: [any BlockTarget], _ change: (inout FlashSession.Options) -> Void = { _ in }
  ) async throws -> [FlashOutcome] {
    var options = FlashSession.Options()
    change(&options)
    return await FlashSession(try await FlashSource(image).open(), options: options).run(onBlocks: targets)
  }

  func expectEqual(_ target: FakeTarget, _ image: FilePath, padding: UInt8 = 0xee) throws {
    let bytes = try FileTree.bytes(of: image)
    // Compared outside of #expect, which would look for the difference of two long lists.
    let isEqual = target.begins(with: bytes)
    #expect(isEqual)
    let end = (bytes.count + 511) / 512 * 512
    #expect(target.bytes[bytes.count..<end].allSatisfy { $0 == 0 }, "the last block is padded with zeros")
  }

  @Test(arguments: [FlashSession.Mode.write, .writeWithoutVerifying])
  func writesEverythingAndTheFirstPieceLast(_ mode: FlashSession.Mode) async throws {
    let image = try image()
    let target = FakeTarget(size: 40 << 20)
    let outcome = try #require(try await run(image, [target]) { $0.mode = mode }.first)
    #expect(outcome.isSuccess, "\(outcome)")
    #expect(outcome.state == (mode == .write ? .complete : .writtenNotVerified))
    try expectEqual(target, image)
    let writes = target.writes
    #expect(writes.first?.range.lowerBound == 0 && writes.first?.isZero == true)
    let heads = writes.indices.filter { writes[$0].range.lowerBound == 0 }
    #expect(heads.last == writes.count - 1, "nothing is written after the first piece")
    #expect(heads.count == 2)
    #expect(target.bytes.suffix(1 << 20).allSatisfy { $0 == 0 }, "old backup tables are gone")
    #expect(outcome.zeroed.bytes > 10 << 20)
    #expect(outcome.written.bytes < 12 << 20)
  }

  @Test func refusesAnImageThatDoesNotFitBeforeTheFirstWrite() async throws {
    let target = FakeTarget(size: 21 << 20)
    let outcome = try #require(try await run(try image(), [target]).first)
    #expect(outcome.failure?.code == "too-small")
    #expect(outcome.state == .untouched)
    #expect(target.writes.isEmpty)
  }

  @Test(arguments: [64 << 20, 50 << 20, (37 << 20) + 4096] as [Int64])
  func findsTheRealSizeOfADriveThatWrapsAround(_ real: Int64) async throws {
    let target = FakeTarget(size: 160 << 20, .wrapsAround(at: real))
    let outcome = try #require(try await run(try image(), [target]).first)
    #expect(outcome.failure == .falseCapacity("fake", announced: .mebibytes(160), real: ByteCount(real)))
    #expect(outcome.state == .incompleteNotBootable)
    #expect(outcome.failure?.kind == .falseCapacity)
  }

  @Test func findsTheRealSizeOfADriveThatDrops() async throws {
    let target = FakeTarget(size: 160 << 20, .drops(beyond: 50 << 20))
    let outcome = try #require(try await run(try image(), [target]).first)
    #expect(outcome.failure == .falseCapacity("fake", announced: .mebibytes(160), real: .mebibytes(50)))
  }

  @Test func theFullProbeFindsThemToo() async throws {
    for fault in [FakeTarget.Fault.drops(beyond: 50 << 20), .wrapsAround(at: 50 << 20)] {
      let target = FakeTarget(size: 64 << 20, fault)
      let outcome = try #require(try await run(try image(), [target]) { $0.probe = .full }.first)
      #expect(outcome.failure == .falseCapacity("fake", announced: .mebibytes(64), real: .mebibytes(50)))
    }
    let honest = FakeTarget(size: 64 << 20)
    #expect(try await run(try image(), [honest]) { $0.probe = .full }.first?.isSuccess == true)
  }

  /// In the hole, in data, and in the first piece.
  @Test(arguments: [5 << 20 + 77, 9 << 20 + 5000, 1 << 20] as [Int64])
  func repairsWhatIsWrongOnceAndNamesIt(_ place: Int64) async throws {
    let image = try image()
    let target = FakeTarget(size: 40 << 20, .flipsBit(at: place, times: 2))
    let outcome = try #require(try await run(image, [target]) { $0.probe = .none }.first)
    if place == 1 << 20 {
      // Read once, written again, and wrong again: it must not stay bootable.
      #expect(outcome.failure?.code == "verify-failed")
      #expect(outcome.state == .incompleteNotBootable)
      #expect(target.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
      return
    }
    #expect(outcome.isSuccess, "\(outcome)")
    let block = place / 512 * 512
    #expect(outcome.repaired == [FlashRange(block..<block + 512)])
    try expectEqual(target, image)
  }

  @Test func aDriveThatStaysWrongStartsNothing() async throws {
    let target = FakeTarget(size: 40 << 20, .flipsBit(at: 9 << 20, times: .max))
    let outcome = try #require(try await run(try image(), [target]).first)
    #expect(outcome.failure == .verify("fake", [FlashRange(9 << 20..<(9 << 20) + 512)]))
    #expect(outcome.state == .incompleteNotBootable)
    #expect(target.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
  }

  @Test func tellsFailuresApart() async throws {
    let image = try image()
    let place: Int64 = 9 << 20
    let cases: [(FakeTarget.Fault, String, FailureKind)] = [
      (.failsWrite(at: place, .ioError), "write-failed", .writeFailed),
      (.failsWrite(at: place, .readOnlyFileSystem), "write-protected", .writeProtected),
      (.failsWrite(at: place, .noSuchAddressOrDevice), "device-gone", .deviceGone),
      (.pulled(at: place), "device-gone", .deviceGone),
    ]
    let good = FakeTarget("good", size: 40 << 20)
    let targets = cases.map { FakeTarget($0.1, size: 40 << 20, $0.0) }
    let outcomes = try await run(image, targets + [good])
    for (outcome, expected) in zip(outcomes, cases) {
      #expect(outcome.failure?.code == expected.1)
      #expect(outcome.failure?.kind == expected.2)
      #expect(outcome.state == .incompleteNotBootable)
    }
    #expect(outcomes.last?.isSuccess == true)
    try expectEqual(good, image)
  }

  @Test func aDriveThatHangsEndsInAnError() async throws {
    let image = try image()
    let stuck = FakeTarget("stuck", size: 40 << 20, .hangsWrite(at: 9 << 20))
    let good = FakeTarget("good", size: 40 << 20)
    let outcomes = try await run(image, [stuck, good]) { $0.stallLimit = .seconds(2) }
    stuck.release()
    #expect(outcomes.first?.failure?.code == "target-stalled")
    #expect(outcomes.first?.state == .incompleteNotBootable)
    #expect(outcomes.last?.isSuccess == true)
    try expectEqual(good, image)
  }

  /// The image is larger than the window, so the slow drive falls out of it.
  @Test(arguments: [nil, "gzip"] as [String?])
  func aSlowDriveGoesOnByItself(_ packer: String?) async throws {
    let folder = try #require(folder)
    let raw = folder.appending("large")
    try ImageMaker.sparse(raw, size: 80 << 20, data: [0..<80 << 20])
    var image = raw
    if let packer {
      #expect(try await Tool.run(packer, ["-1k", raw.string]).status == 0)
      image = folder.appending("large.gz")
    }
    let slow = FakeTarget("slow", size: 100 << 20, .waits(in: 9 << 20..<20 << 20))
    let fast = FakeTarget("fast", size: 100 << 20)
    let alone = Mutex(false)
    let session = FlashSession(try await FlashSource(image).open())
    let outcomes = await session.run(onBlocks: [slow, fast]) { report in
      if report.isOnItsOwn { alone.withLock { $0 = true } }
      // It writes again only when the other has everything, and that has been told.
      if report.target == fast.path, report.phase == .ended { slow.release() }
    }
    #expect(outcomes.allSatisfy { $0.isSuccess }, "\(outcomes)")
    #expect(alone.withLock { $0 })
    try expectEqual(slow, raw)
    try expectEqual(fast, raw)
  }

  @Test func cancellationStopsWritingAndSaysWhatIsLeft() async throws {
    let image = try image()
    let source = try await FlashSource(image).open()
    let target = FakeTarget(size: 40 << 20, .waits(in: 9 << 20..<20 << 20))
    let task = Task { await FlashSession(source).run(onBlocks: [target]) }
    while !target.isWaiting { try await Task.sleep(for: .milliseconds(20)) }
    task.cancel()
    target.release()
    let outcome = try #require(await task.value.first)
    let writes = target.writes.count
    #expect(outcome.wasCancelled && outcome.failure == nil)
    #expect(outcome.state == .incompleteNotBootable)
    #expect(outcome.state.sentence.contains("will not start"))
    try await Task.sleep(for: .milliseconds(700))
    #expect(target.writes.count <= writes + FakeTarget.lanesInFlight)
    #expect(target.bytes[..<(2 << 20)].allSatisfy { $0 == 0 })
  }

  @Test func updateWritesOnlyWhatDiffers() async throws {
    let image = try image()
    let target = FakeTarget(size: 40 << 20)
    #expect(try await run(image, [target]).first?.isSuccess == true)
    target.forgetWrites()
    var outcome = try #require(try await run(image, [target]) { $0.mode = .update }.first)
    #expect(outcome.state == .complete && target.writes.isEmpty, "nothing to do, nothing written: \(outcome)")

    target.put([1, 2, 3], at: 9 << 20)
    target.put([4], at: 6 << 20)
    target.forgetWrites()
    outcome = try #require(try await run(image, [target]) { $0.mode = .update }.first)
    #expect(outcome.isSuccess, "\(outcome)")
    try expectEqual(target, image)
    let writes = target.writes
    #expect(writes.first?.range == 0..<2 << 20 && writes.first?.isZero == true, "no half of two images boots")
    #expect(writes.last?.range == 0..<2 << 20)
    #expect(writes.contains { $0.range == 9 << 20..<(9 << 20) + 4096 })
    #expect(outcome.written.bytes == 4096 + 2 << 20)
  }

  /// Old file systems and tables behind a small image would be found there by whoever looks.
  @Test(arguments: [1, 512, 4096, 700_000]) func aSmallImageLeavesNothingBehind(_ size: Int) async throws {
    let image = try ImageMaker.sparse(#require(folder).appending("small"), size: size, data: [0..<size])
    let target = FakeTarget(size: 8 << 20)
    #expect(try await run(image, [target]).first?.isSuccess == true)
    let bytes = target.bytes
    #expect(target.begins(with: try FileTree.bytes(of: image)))
    #expect(bytes[size..<(2 << 20)].allSatisfy { $0 == 0 })
    #expect(bytes[(7 << 20)...].allSatisfy { $0 == 0 })
  }

  @Test func sizesInMessagesDoNotContradictEachOther() {
    let refusal = FlashMediaFailure.refused("/dev/sdb", .tooSmall(size: .mebibytes(16), needed: ByteCount(16_777_217)))
    #expect(refusal.message == "/dev/sdb has 16,777,216 bytes, 1 fewer than the 16,777,217 that are needed")
    let unknown = FlashMediaFailure.refused("/dev/sdb", .tooSmall(size: .mebibytes(16), needed: nil))
    #expect(unknown.message.contains("the image has more; how many, its file does not tell"))
  }

  @Test func verifyOnlyNamesWhatDiffersAndWritesNothing() async throws {
    let image = try image()
    let target = FakeTarget(size: 40 << 20)
    #expect(try await run(image, [target]).first?.isSuccess == true)
    target.forgetWrites()
    #expect(try await run(image, [target]) { $0.mode = .verifyOnly }.first?.state == .complete)
    target.put([1, 2, 3], at: 9 << 20)
    target.put([9], at: 100)
    let outcome = try #require(try await run(image, [target]) { $0.mode = .verifyOnly }.first)
    #expect(outcome.failure?.remedy?.contains("throw") == false, "nothing says that the drive is bad")
    #expect(outcome.failure == .differs("fake", [FlashRange(0..<512), FlashRange(9 << 20..<(9 << 20) + 4096)]))
    #expect(outcome.state == .untouched)
    #expect(target.writes.isEmpty)
  }
}

extension FakeTarget {
  /// Writes that a device may still be busy with when work ends.
  static let lanesInFlight = 2
}
